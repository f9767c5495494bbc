import type { Decode } from "./decode-scalar.ts";
import type { Place } from "./places.ts";
import type { Reader } from "./reader.ts";

/** Reads fields of one struct into `values`. */
export type DecodeFields = (reader: Reader, values: Record<string, unknown>) => void;

/** Places that read fields, all the same: see {@link Place}. */
export const DECODE_PLACES: readonly Place<Decode, DecodeFields>[] = [
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
  (n, [d0, d1, d2, d3, d4, d5, d6, d7], [n0, n1, n2, n3, n4, n5, n6, n7]) =>
    (reader, values) => {
      values[n0] = d0(reader);
      if (n > 1) values[n1] = d1(reader);
      if (n > 2) values[n2] = d2(reader);
      if (n > 3) values[n3] = d3(reader);
      if (n > 4) values[n4] = d4(reader);
      if (n > 5) values[n5] = d5(reader);
      if (n > 6) values[n6] = d6(reader);
      if (n > 7) values[n7] = d7(reader);
    },
];
