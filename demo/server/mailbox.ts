/**
 * A bounded queue between those who post and one reader who may be slow.
 *
 * When it is full, what is posted is dropped and counted; the reader is told the number as soon as it reads again.
 */
export class Mailbox<T> {
  readonly #limit: number;
  #items: T[] = [];
  #missed = 0;
  #closed = false;
  #wake: (() => void) | undefined;

  /** @param limit - items that wait at most */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns false when it was dropped. */
  post(item: T): boolean {
    // After a gap the reader hears of the gap first, so nothing may slip in before it.
    if (this.#closed || this.#missed > 0 || this.#items.length >= this.#limit) {
      this.#missed++;
      return false;
    }
    this.#items.push(item);
    this.#wake?.();
    return true;
  }

  /** The reader gets what waits, and then the end. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /**
   * What is posted, in order, for one reader.
   * @param missed - makes the item that stands for a gap of so many items
   */
  async *read(missed: (count: number) => T): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const items = this.#items.splice(0);
      for (const item of items) yield item;
      if (this.#items.length > 0) continue;
      if (this.#closed) return;
      if (this.#missed > 0) {
        const count = this.#missed;
        this.#missed = 0;
        yield missed(count);
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }
}
