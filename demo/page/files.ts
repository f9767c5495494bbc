import type { Client, Session } from "tideway";
import type { api, Receipt } from "../contract.ts";
import { byId, setText } from "./dom.ts";
import { formatBytes } from "./format.ts";
import { describeFailure, download, type TransferOptions, upload } from "./transfer.ts";

const FIGURES_EVERY_MS = 100;

/** A file on its way. */
interface Transfer {
  readonly way: "up" | "down";
  readonly title: string;
  readonly totalBytes: number;
  /** @returns what to say when it is done. */
  readonly run: (options: TransferOptions) => Promise<string>;
}

interface Progress {
  readonly bytes: number;
  readonly totalBytes: number;
  readonly elapsedMs: number;
}

/** The file panel: one transfer at a time. */
export class FilePanel {
  readonly #session: Session;
  readonly #calls: Client<typeof api>;
  #receipt: Receipt | undefined;
  #running: AbortController | undefined;
  /** The transfer that failed last. */
  #retry: Transfer | undefined;

  constructor(session: Session, calls: Client<typeof api>) {
    this.#session = session;
    this.#calls = calls;
    const input = byId("file", HTMLInputElement);
    input.addEventListener("change", () => {
      this.#choose(input.files?.[0]);
      input.value = ""; // the same file may be chosen again
    });
    this.#acceptDrops(byId("drop", HTMLElement));
    byId("download", HTMLElement).addEventListener("click", () => {
      if (this.#receipt !== undefined) void this.#run(this.#download(this.#receipt));
    });
    byId("cancel", HTMLElement).addEventListener("click", () => this.#running?.abort());
    byId("retry", HTMLElement).addEventListener("click", () => {
      if (this.#retry !== undefined) void this.#run(this.#retry);
    });
    session.addEventListener("statechange", () => this.#refreshButtons());
  }

  #acceptDrops(zone: HTMLElement): void {
    const mark = (over: boolean) => zone.toggleAttribute("data-over", over);
    zone.addEventListener("dragleave", () => mark(false));
    zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      mark(true);
    });
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      mark(false);
      this.#choose(event.dataTransfer?.files[0]);
    });
  }

  #choose(file: File | undefined): void {
    if (file === undefined) return;
    if (this.#running === undefined) void this.#run(this.#upload(file));
    else say("Wait for the transfer that is under way, or cancel it.", "bad");
  }

  #upload(file: File): Transfer {
    return {
      way: "up",
      title: `Sending ${file.name}`,
      totalBytes: file.size,
      run: async (options) => {
        this.#receipt = undefined;
        for (const id of ["up-hash", "server-hash", "down-hash"]) setHash(id, "");
        showProgress("down", undefined);
        const { receipt, sha256 } = await upload(this.#calls, file, options);
        setHash("up-hash", sha256);
        setHash("server-hash", receipt.sha256);
        if (sha256 !== receipt.sha256)
          throw new Error("The server has stored something else: the hashes differ");
        this.#receipt = receipt;
        return `${file.name} is stored: both ends have the same hash.`;
      },
    };
  }

  #download({ name, sizeBytes, sha256 }: Receipt): Transfer {
    return {
      way: "down",
      title: `Receiving ${name}`,
      totalBytes: sizeBytes,
      run: async (options) => {
        setHash("down-hash", "");
        const received = await download(this.#calls, options);
        setHash("down-hash", received);
        if (received !== sha256) throw new Error("What came back is something else: the hashes differ");
        return `${name} came back unchanged: all three hashes are equal.`;
      },
    };
  }

  /** Run a transfer, show how it goes, and say how it ended. */
  async #run(transfer: Transfer): Promise<void> {
    const { way, title, totalBytes } = transfer;
    const start = performance.now();
    let bytes = 0;
    const show = () => showProgress(way, { bytes, totalBytes, elapsedMs: performance.now() - start });
    const timer = setInterval(show, FIGURES_EVERY_MS);
    const onProgress = (now: number) => {
      bytes = now;
    };
    this.#running = new AbortController();
    this.#retry = undefined;
    this.#refreshButtons();
    say(`${title} …`);
    show();
    try {
      const done = await transfer.run({ signal: this.#running.signal, onProgress });
      bytes = totalBytes;
      say(done, "good");
    } catch (error) {
      this.#retry = transfer;
      say(describeFailure(error, bytes), "bad");
    } finally {
      clearInterval(timer);
      show();
      this.#running = undefined;
      this.#refreshButtons();
    }
  }

  #refreshButtons(): void {
    const idle = this.#running === undefined && this.#session.state === "open";
    byId("cancel", HTMLButtonElement).disabled = this.#running === undefined;
    byId("retry", HTMLButtonElement).disabled = !idle || this.#retry === undefined;
    byId("download", HTMLButtonElement).disabled = !idle || this.#receipt === undefined;
  }
}

function say(text: string, tone = ""): void {
  setText("file-status", text);
  byId("file-status", HTMLElement).dataset["tone"] = tone;
}

function setHash(id: string, hash: string): void {
  setText(id, hash || "–");
  byId(id, HTMLElement).title = hash;
}

function showProgress(way: "up" | "down", progress: Progress | undefined): void {
  const bar = byId(way, HTMLProgressElement);
  if (progress === undefined) {
    bar.value = 0;
    setText(`${way}-figures`, "–");
    return;
  }
  const { bytes, totalBytes, elapsedMs } = progress;
  const rate = formatBytes((bytes / Math.max(1, elapsedMs)) * 1_000);
  bar.value = totalBytes === 0 ? 1 : bytes / totalBytes;
  setText(`${way}-figures`, `${formatBytes(bytes)} of ${formatBytes(totalBytes)} · ${rate}/s`);
}
