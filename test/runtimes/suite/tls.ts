/** The certificate of the servers in a run, and its key, PEM: from the environment that programs are started in. */
export const TLS_VARIABLE = "TIDEWAY_TEST_TLS";

interface Pem {
  readonly cert: string;
  readonly key: string;
}

function read(): Pem | undefined {
  const { process } = globalThis as {
    readonly process?: { readonly env: Readonly<Record<string, string | undefined>> };
  };
  const text = process?.env[TLS_VARIABLE];
  return text === undefined ? undefined : (JSON.parse(text) as Pem);
}

/** What servers are made with besides. */
export function servingTls(): { readonly tls?: Pem } {
  const tls = read();
  return tls === undefined ? {} : { tls };
}

/** What clients are made with besides. */
export function trustingTls(): { readonly tls?: { readonly ca: string } } {
  const tls = read();
  return tls === undefined ? {} : { tls: { ca: tls.cert } };
}
