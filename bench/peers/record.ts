import { check } from "../harness.ts";

/** A small object as applications send it: about 110 bytes of JSON. */
export interface SampleRecord {
  readonly id: number;
  readonly name: string;
  readonly active: boolean;
  readonly score: number;
  readonly tags: string[];
}

const COUNT = 256;

/** Records that differ from each other, to be sent in turn. */
export function makeRecords(): readonly SampleRecord[] {
  return Array.from({ length: COUNT }, (_, index) => ({
    id: 1_000 + index,
    name: `sensor ${index} in the hall`,
    active: index % 3 !== 0,
    score: index * 1.25,
    tags: ["north", `rack-${index % 16}`],
  }));
}

/** @throws {Error} when `answer` is not what was sent. */
export function checkRecord(answer: SampleRecord, record: SampleRecord): void {
  const same =
    answer.id === record.id &&
    answer.name === record.name &&
    answer.active === record.active &&
    answer.score === record.score &&
    answer.tags.length === record.tags.length &&
    answer.tags.every((tag, index) => tag === record.tags[index]);
  check(same, "the record that came back is not the one that was sent");
}
