import type { Socket } from "node:net";

/** The open sockets by whom they belong to, so that one can be broken like a network breaks it. */
export class Connections {
  readonly #sockets: Map<string, Set<Socket>> = new Map();

  /** Know a socket until it closes. */
  add(owner: string, socket: Socket): void {
    const sockets = this.#sockets.get(owner) ?? new Set();
    this.#sockets.set(owner, sockets.add(socket));
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0 && this.#sockets.get(owner) === sockets) this.#sockets.delete(owner);
    });
  }

  /** Reset the owner's sockets: neither end says goodbye, and what is on its way is lost. @returns how many they were */
  cut(owner: string): number {
    const sockets = [...(this.#sockets.get(owner) ?? [])];
    for (const socket of sockets) socket.resetAndDestroy();
    return sockets.length;
  }
}
