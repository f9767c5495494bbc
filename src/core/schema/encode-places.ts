import type { Encode } from "./encode-scalar.ts";
import type { Place } from "./places.ts";
import type { Writer } from "./writer.ts";

/** Writes fields of one struct. */
export type EncodeFields = (writer: Writer, values: Readonly<Record<string, unknown>>) => void;

/** Places that write fields, all the same: see {@link Place}. */
export const ENCODE_PLACES: readonly Place<Encode, EncodeFields>[] = [
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
  (n, [e0, e1, e2, e3, e4, e5, e6, e7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (writer, values) => {
      e0(writer, values[n0]);
      if (n > 1) e1(writer, values[n1]);
      if (n > 2) e2(writer, values[n2]);
      if (n > 3) e3(writer, values[n3]);
      if (n > 4) e4(writer, values[n4]);
      if (n > 5) e5(writer, values[n5]);
      if (n > 6) e6(writer, values[n6]);
      if (n > 7) e7(writer, values[n7]);
    },
];
