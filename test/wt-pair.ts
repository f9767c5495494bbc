import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate that is made for one run: browsers and packages trust it by its hash. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate in DER. */
  readonly hash: Uint8Array<ArrayBuffer>;
}

/** Make a certificate for `localhost` and 127.0.0.1: ECDSA P-256, valid for 13 days. */
export function makeCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "tideway-cert-"));
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "13"];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  try {
    execFileSync("openssl", ["req", "-x509", ...kind, ...names, "-keyout", keyFile, "-out", certFile], {
      stdio: "pipe",
    });
    const cert = readFileSync(certFile, "utf8");
    const hash = createHash("sha256").update(new X509Certificate(cert).raw).digest();
    return { cert, key: readFileSync(keyFile, "utf8"), hash: new Uint8Array(hash) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
