/** The certificates of `certificates/`, as options of both sides. */
import { readFileSync } from "node:fs";
import type { ListenTls } from "../../src/transport/tls.ts";

export type CertificateName = "ca" | "other-ca" | "server" | "elsewhere" | "expired" | "mail2" | "stranger";

/** Path of a certificate or key file. */
export function certificatePath(name: CertificateName, what: "cert" | "key" = "cert"): string {
  return new URL(`certificates/${name}${what === "key" ? "-key" : ""}.pem`, import.meta.url).pathname;
}

export function pem(name: CertificateName, what: "cert" | "key" = "cert"): string {
  return readFileSync(certificatePath(name, what), "utf8");
}

/** A certificate with its key. */
export function identity(name: CertificateName): { readonly cert: string; readonly key: string } {
  return { cert: pem(name), key: pem(name, "key") };
}

/** A listener for localhost that verifies client certificates of the test CA. */
export const SERVER: ListenTls = { ...identity("server"), clientCa: pem("ca") };
