import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { failure, until } from "../../test/sessions.ts";
import { api, certificate, SocketSites, trusting } from "../../test/socket-site.ts";
import { client } from "../index.ts";
import { connect } from "./dial.ts";
import { serve } from "./serve.ts";

const sites = new SocketSites();

describe.runIf(certificate !== undefined)("TLS", () => {
  test("names the protocol, and a second connection goes by the session of the first", async () => {
    const handshakes: unknown[] = [];
    const { sockets, url } = await sites.start("tls", {
      authenticate: ({ request }) => {
        const socket = request.socket as TLSSocket;
        handshakes.push([socket.alpnProtocol, socket.isSessionReused()]);
      },
    });
    const session = await sites.open(url, { reconnect: { minMs: 1, maxMs: 5 } });
    for (let i = 0; i < 3; i++) {
      await client(session, api).add(1);
      sockets.at(-1)?.destroy();
      await until(() => sockets.length === i + 2 && session.state === "open");
    }
    expect(handshakes).toEqual([false, true, true, true].map((reused) => ["tideway/1", reused]));
  });

  test("a session of a server that is gone leads to a full handshake with the next one", async () => {
    const first = await sites.start("tls");
    const session = await sites.open(first.url, { reconnect: { minMs: 1, maxMs: 5 } });
    await first.server.close({ drainMs: 0, spreadMs: 0 });
    const second = await sites.start("tls", { listen: [first.url] });
    await until(() => session.state === "open" && second.sockets.length === 1);
    expect((second.sockets[0] as TLSSocket).isSessionReused()).toBe(false);
    expect(await client(session, api).add(1)).toBe(2);
  });

  test("wss: listens with the same options, and a second connection goes by the session of the first", async () => {
    const handshakes: unknown[] = [];
    const { server, sockets, url } = await sites.start("tls", {
      listen: ["wss://127.0.0.1:0/tideway"],
      authenticate: ({ request }) => {
        handshakes.push([request.url, (request.socket as TLSSocket).isSessionReused()]);
      },
    });
    expect(url).toMatch(/^wss:\/\/127\.0\.0\.1:\d+\/tideway$/);
    const session = await sites.open(url, { reconnect: { minMs: 1, maxMs: 5 } });
    expect(session.stats().transport).toBe("websocket");
    for (let i = 0; i < 2; i++) {
      expect(await client(session, api).add(i)).toBe(i + 1);
      sockets.at(-1)?.destroy();
      await until(() => handshakes.length === i + 2 && session.state === "open");
    }
    expect(handshakes).toEqual([false, true, true].map((reused) => ["/tideway", reused]));
    expect(await failure(connect(url, { reconnect: false }))).toMatchObject({
      message: expect.stringContaining(`Cannot connect to ${url}: self-signed certificate`),
    });
    await session.close();
    await until(() => server.connections === 0);
  });

  test("wss: closes, although a client does not go on with its TLS handshake", async () => {
    const { server, url } = await sites.start("tls", { listen: ["wss://127.0.0.1:0"] });
    const socket = connectTcp(Number(new URL(url).port), "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    const closed = once(socket, "close");
    const start = performance.now();
    await server.close({ drainMs: 0 });
    await closed;
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  test("wss: without a certificate is refused", async () => {
    await expect(serve({ listen: ["wss://127.0.0.1:0"] })).rejects.toThrow(
      "tls is missing, with cert and key",
    );
  });

  test("a certificate that is not trusted, or of another host, is refused", async () => {
    const { server, url } = await sites.start("tls");
    expect(await failure(connect(url, { reconnect: false }))).toMatchObject({
      message: expect.stringContaining(`Cannot connect to ${url}: self-signed certificate`),
    });
    const other = { ...trusting.tls, servername: "example.com" };
    expect(await failure(connect(url, { reconnect: false, tls: other }))).toMatchObject({
      cause: { code: "ERR_TLS_CERT_ALTNAME_INVALID" },
    });
    await until(() => server.connections === 0);
  });

  test("a client that is asked for a certificate is known by it, on a shorter handshake too", async () => {
    const seen: unknown[] = [];
    const { sockets, url } = await sites.start("tls", {
      tls: { ...certificate, requestCert: true, ca: certificate?.cert },
      authenticate: ({ request }) => {
        const socket = request.socket as TLSSocket;
        seen.push([socket.getPeerCertificate().subject.CN, socket.authorized, socket.isSessionReused()]);
      },
    });
    const session = await sites.open(url, {
      tls: { ...trusting.tls, ...certificate },
      reconnect: { minMs: 1, maxMs: 5 },
    });
    await client(session, api).add(1);
    sockets[0]?.destroy();
    await until(() => seen.length === 2 && session.state === "open");
    expect(seen).toEqual([
      ["localhost", true, false],
      ["localhost", true, true],
    ]);
    expect(await failure(sites.open(url, { reconnect: false }))).toMatchObject({
      code: "ERR_CONNECTION_LOST",
    });
  });

  test("another protocol in the handshake is refused, none is not", async () => {
    const { server, url } = await sites.start("tls");
    const target = { port: Number(new URL(url).port), host: "127.0.0.1", ca: certificate?.cert };
    const other = connectTls({ ...target, ALPNProtocols: ["h2"] });
    expect((await once(other, "error"))[0]).toMatchObject({
      code: "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
    });
    const silent = connectTls(target);
    await once(silent, "secureConnect");
    expect(silent.alpnProtocol).toBe(false);
    silent.destroy();
    await until(() => server.connections === 0);
  });

  test("who does not speak TLS, or stops in its handshake, is counted and closed", async () => {
    const { server, url } = await sites.start("tls", {
      limits: { handshakeMs: 200 },
      maxPendingPerAddress: 2,
    });
    const port = Number(new URL(url).port);
    const plain = connectTcp(port, "127.0.0.1");
    plain.on("error", () => {});
    plain.write("GET / HTTP/1.1\r\n\r\n");
    await once(plain.resume(), "close");
    const silent = [connectTcp(port, "127.0.0.1"), connectTcp(port, "127.0.0.1")];
    await until(() => server.connections === 2);
    const third = connectTcp(port, "127.0.0.1");
    await once(third.resume(), "close");
    expect(server.connections).toBe(2);
    for (const socket of silent) socket.on("error", () => {}).resume();
    await until(() => server.connections === 0);
    await sites.open(url);
  });

  test("without its options it is an error of the caller", async () => {
    const error = await failure(serve({ listen: ["tls://127.0.0.1:0"] }));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toBe(
      "Cannot listen on tls://127.0.0.1:0: tls is missing, with cert and key",
    );
    expect(
      await failure(serve({ listen: ["tls://127.0.0.1:0"], tls: { cert: "x", key: "y" } })),
    ).toMatchObject({
      name: "TransportError",
      message: expect.stringMatching(/^Cannot listen on tls:\/\/127.0.0.1:0: /),
    });
  });
});
