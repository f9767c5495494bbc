import type { FieldNode, Node } from "./node.ts";

type Eight<T> = readonly [T, T, T, T, T, T, T, T];

/** Fields of one place. */
const PLACE_FIELDS = 8;

/**
 * A place in the source where fields of one struct are read or written, up to eight.
 *
 * What an engine learns about `values[name]` or about a call of a closure it keeps with the place in the source. A place
 * that sees one name and one closure becomes what code made from text would be; one that sees those of many structs
 * takes twice the time. So the first structs of a program have a place each, and all others share the last one.
 *
 * @param n - number of fields, 1 to 8; of both lists only so many are used
 */
export type Place<Part, Run> = (n: number, parts: Eight<Part>, names: Eight<string>) => Run;

/** Gives out `places`, the last one again and again. */
export class Places<Part, Run extends (...parameters: never[]) => void> {
  readonly #places: readonly Place<Part, Run>[];
  readonly #none: Part;
  readonly #join: (first: Run, rest: Run) => Run;
  #next = 0;

  /**
   * @param none - stands for the part of a field that is not there; it is never called
   * @param join - makes one function that runs both
   */
  constructor(places: readonly Place<Part, Run>[], none: Part, join: (first: Run, rest: Run) => Run) {
    this.#places = places;
    this.#none = none;
    this.#join = join;
  }

  /** One function for all `fields`, of which there is one at least; each place takes eight of them. */
  take(fields: readonly FieldNode[], compile: (node: Node) => Part): Run {
    const mine = fields.slice(0, PLACE_FIELDS);
    const place = this.#places[this.#next] as Place<Part, Run>;
    if (this.#next < this.#places.length - 1) this.#next++;
    const run = place(
      mine.length,
      eight(
        mine.map(({ of }) => compile(of)),
        this.#none,
      ),
      eight(
        mine.map(({ name }) => name),
        "",
      ),
    );
    if (fields.length <= PLACE_FIELDS) return run;
    return this.#join(run, this.take(fields.slice(PLACE_FIELDS), compile));
  }
}

function eight<T>(list: readonly T[], rest: T): Eight<T> {
  return Array.from({ length: PLACE_FIELDS }, (_, index) => list[index] ?? rest) as unknown as Eight<T>;
}
