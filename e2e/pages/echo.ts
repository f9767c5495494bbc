// The script of the page that servers/echo.ts serves: nothing but a plain bundle of the package.
import { client, connect, json } from "tideway";
import { msgpackCodec } from "tideway/msgpack";
import { api, SAMPLE } from "../servers/contract.ts";

const codecs = { json, msgpack: msgpackCodec() };

/** What tests call in the page. */
const tideway = { connect, encodeSample, exchange };

declare global {
  interface Window {
    tideway: typeof tideway;
  }
}

/** The sample as this runtime encodes it, hexadecimal. */
function encodeSample(codec: keyof typeof codecs): string {
  const bytes = codecs[codec].encode(SAMPLE[codec]);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** All four shapes of call over one codec. @returns what came back, as far as it can be compared here. */
async function exchange(codec: keyof typeof codecs) {
  const session = await connect(new URL("/tideway", location.href.replace("http", "ws")), {
    codecs: [codecs[codec]],
  });
  const calls = client(session, api);
  const sample = SAMPLE[codec];
  const echoed = await calls.echo(sample);
  const counted: number[] = [];
  for await (const number of calls.count(1_000)) counted.push(number);
  const total = await calls.sum().sendAll(counted);
  const letters = calls.letters();
  await letters.send("ahoj");
  const answer = await letters.receive();
  letters.end();
  const end = await letters.receive();
  const failure = await calls.fail("typed").catch((error) => ({ name: error.name, details: error.details }));
  const stats = session.stats();
  await session.close();
  const encode = (value: unknown) => codecs[codec].encode(value).join();
  return {
    codec: session.codecs[0]?.name,
    same: encode(echoed) === encode(sample),
    counted: counted.length,
    total,
    answer,
    end,
    failure,
    streams: stats.streams,
  };
}

window.tideway = tideway;
