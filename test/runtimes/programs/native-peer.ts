import { client, contract, implement, type Service, type Session, type, unary } from "tideway";
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
  readonly connect: (url: string, options: { readonly compression: Compression }) => Promise<Session>;
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
const api = contract({ echo: unary({ input: type<string>(), output: type<string>() }) });

/** Serve or call, as the last argument says, and print what was used of the runtime. */
export async function runNativePeer({ serve, connect }: Ends): Promise<void> {
  const { native = true, url } = JSON.parse(process.argv.at(-1) ?? "{}") as NativePeerOptions;
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
    const session = await connect(url, { compression: compression([compressor]) });
    for (let i = 0; i < CALLS; i++) {
      if ((await client(session, api).echo(TEXT)) !== TEXT)
        throw new Error(`${compressor.name}: what came back differs`);
    }
    saved.push(session.stats().bytesSaved);
    await session.close();
  }
  tell();
}
