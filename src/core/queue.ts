/** Slots that an empty queue keeps for its next burst. */
const KEPT_SLOTS = 1_024;

/** First in, first out. One array is used again and again; a queue that was never used holds none. */
export class Queue<T> {
  #items: (T | undefined)[] | undefined;
  #head = 0;
  #tail = 0;

  /** Items that wait. */
  get length(): number {
    return this.#tail - this.#head;
  }

  /** Add an item at the end. */
  push(item: T): void {
    // Most queues of a short-lived stream see one item: an array literal has room for just that.
    if (this.#items === undefined) this.#items = [item];
    else this.#items[this.#tail] = item;
    this.#tail++;
  }

  /** The oldest item; `undefined` when there is none. */
  peek(): T | undefined {
    return this.#head === this.#tail ? undefined : this.#items?.[this.#head];
  }

  /** Take the oldest item; `undefined` when there is none. */
  shift(): T | undefined {
    const item = this.peek();
    if (item === undefined) return undefined;
    const items = this.#items as (T | undefined)[];
    items[this.#head++] = undefined;
    if (this.#head === this.#tail) {
      this.#head = this.#tail = 0;
      if (items.length > KEPT_SLOTS) this.#items = undefined;
    } else if (this.#head > KEPT_SLOTS && this.#head * 2 > this.#tail) {
      this.#items = items.slice(this.#head, this.#tail);
      this.#tail -= this.#head;
      this.#head = 0;
    }
    return item;
  }

  /** Replace every item but the oldest `from` ones by what `change` makes of it. */
  map(from: number, change: (item: T) => T): void {
    const items = this.#items as T[];
    for (let i = this.#head + from; i < this.#tail; i++) items[i] = change(items[i] as T);
  }

  /** Forget all items. */
  clear(): void {
    this.#items = undefined;
    this.#head = this.#tail = 0;
  }
}
