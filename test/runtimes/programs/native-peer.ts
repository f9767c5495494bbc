import { type Bytes, client, contract, implement, type Service, type Session, type, unary } from "tideway";
import { type Compression, compression, loadCompressors } from "tideway/compression";
import { countNative, type NativeCounts } from "./native-counts.ts";

/** What a runtime brings. */
interface Ends {
  readonly serve: (options: {
    readonly listen: readonly string[];
    readonly services: readonly Service[];
    readonly compression: Compression;
    readonly native?: boolean;
  }) => Promise<{ readonly urls: readonly string[]; close(options: { drainMs: number }): Promise<void> }>;
  /** Takes `native` where it has a meaning. */
  readonly connect: (
    url: string,
    options: { readonly compression: Compression; readonly native?: boolean },
  ) => Promise<Session>;
  /** SHA-256 by what the runtime has itself; `undefined` where it is turned off. */
  readonly nativeSha256: (native?: boolean) => ((bytes: Bytes) => Bytes) | undefined;
}

/** What a peer is asked to be. */
export interface NativePeerOptions {
  /** Where to connect to; nothing: it is the server. */
  readonly url?: string;
  /** False: as the options say, and not the environment. */
  readonly native?: boolean;
}

/** What a peer has used. */
export interface NativeReport {
  /** The compressors that it found. */
  readonly found: readonly string[];
  /** What each session of a client has saved, in its order. */
  readonly saved: readonly number[];
  readonly counts: NativeCounts;
}

const CALLS = 20;
const TEXT = "name: cpu, host: a-1, value: 12.5; ".repeat(200);
/** So long that it leaves as several records of one task. */
const LONG_TEXT = TEXT.repeat(40);
const api = contract({ echo: unary({ input: type<string>(), output: type<string>() }) });

/** Serve or call, as the last argument says, and print what was used of the runtime. */
export async function runNativePeer({ connect, nativeSha256, serve }: Ends): Promise<void> {
  const { native = true, url } = JSON.parse(process.argv.at(-1) ?? "{}") as NativePeerOptions;
  await checkSha256(nativeSha256(native));
  const counts = countNative();
  const compressors = await loadCompressors(["lz4", "deflate", "zstd"], { native });
  const saved: number[] = [];
  const tell = () => {
    const report: NativeReport = { found: compressors.map(({ name }) => name), saved, counts };
    console.log(`USED ${JSON.stringify(report)}`);
    process.exit();
  };
  if (url === undefined) {
    const services = [implement(api, { echo: (text) => text })];
    const options = { services, compression: compression(compressors), native };
    const server = await serve({ ...options, listen: ["tcp://127.0.0.1:0"] });
    console.log(`Listening on ${server.urls.join(" ")}`);
    process.stdin.on("end", () => server.close({ drainMs: 0 }).then(tell));
    process.stdin.resume();
    return;
  }
  for (const compressor of compressors) {
    const session = await connect(url, { compression: compression([compressor]), native });
    for (let i = 0; i <= CALLS; i++) {
      const text = i < CALLS ? TEXT : LONG_TEXT;
      if ((await client(session, api).echo(text)) !== text)
        throw new Error(`${compressor.name}: what came back differs`);
    }
    saved.push(session.stats().bytesSaved);
    await session.close();
  }
  tell();
}

/** @throws {Error} unless it does what WebCrypto does. */
async function checkSha256(sha256: ((bytes: Bytes) => Bytes) | undefined): Promise<void> {
  for (let length = 0; sha256 !== undefined && length < 200; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 7 + length);
    const web = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    if (String(sha256(bytes)) !== String(web)) throw new Error(`SHA-256 of ${length} bytes: two digests`);
  }
}
