import { compression, loadCompressors } from "tideway/compression";
import { check, codeOf, equal } from "../assert.ts";
import type { Case } from "../case.ts";
import { checkGolden, checkGoldenSchemas, checkHostile } from "../golden.ts";

/** What compressors and codecs make of bytes. */
export const ENCODINGS: readonly Case[] = [
  {
    name: "records are compressed, and secrets are not",
    needs: "url",
    async run(open) {
      const compressors = await loadCompressors(["zstd", "lz4"]);
      const { session, calls } = await open({ compression: compression(compressors, { sameMachine: true }) });
      const text = "All of these words come again, and again. ".repeat(200);
      const echo = async (options: { compress?: boolean }, name: "echo" | "echoSecret" = "echo") => {
        const call = calls[name](options);
        await call.send(text);
        equal(await call.receive(), text);
        call.end();
        return session.stats();
      };
      const { bytesSaved } = await echo({});
      check(bytesSaved > 7_000, `${bytesSaved} bytes were saved`);
      let before = (await echo({})).bytesReceived;
      const savedBefore = session.stats().bytesSaved;
      for (const [options, name] of [
        [{ compress: false }, "echo"],
        [{}, "echoSecret"],
        [{ compress: true }, "echoSecret"],
      ] as const) {
        const { bytesReceived } = await echo(options, name);
        check(
          bytesReceived - before > text.length,
          `${bytesReceived - before} bytes of a secret were received`,
        );
        before = bytesReceived;
      }
      const saved = session.stats().bytesSaved - savedBefore;
      check(saved < 300, `${saved} bytes of secrets were saved`);
      equal(await codeOf(calls.fail("other")), "ERR_INTERNAL");
    },
  },
  {
    name: "the golden file of the schema codec holds, on both sides",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      for (const { cases, problems } of [checkGoldenSchemas(), await calls.goldenSchemas(undefined)]) {
        equal(problems, []);
        check(cases >= 70, `${cases} cases`);
      }
    },
  },
  {
    name: "hostile bytes do no harm to any codec, on both sides",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      for (const { cases, problems } of [checkHostile(), await calls.hostile()]) {
        equal(problems, []);
        check(cases >= 140, `${cases} cases`);
      }
    },
  },
  {
    name: "golden files of compression are read, on both sides",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      for (const { right, wrong } of [await checkGolden(), await calls.golden()]) {
        equal(wrong, []);
        check((right["lz4"] ?? 0) >= 56, `${right["lz4"]} of LZ4`);
        check((right["deflate"] ?? 0) >= 42, `${right["deflate"]} of deflate`);
      }
    },
  },
];
