/**
 * TLS of both sides: what is offered, what is verified, and the names a verified client certificate carries.
 */
import { constants, X509Certificate } from "node:crypto";
import { isIP, connect as netConnect, type Socket } from "node:net";
import { type ConnectionOptions, createSecureContext, type TLSSocket, connect as tlsConnect } from "node:tls";
import { HANDSHAKE_MS } from "../../protocol/limits.ts";
import { TandemError } from "../model/errors.ts";

/** A listener's TLS, everything in PEM. */
export interface ListenTls {
  /** The certificate, then those that lead to its issuer. */
  readonly cert: string;
  readonly key: string;
  /** Issuer of client certificates. With it they are asked for and verified; without, none counts. */
  readonly clientCa?: string;
}

/** TLS of a side that connects, everything in PEM. */
export interface ConnectTls {
  /** The issuers to trust; those that Node trusts by default. */
  readonly ca?: string;
  /** A client certificate, to be shown if the listener asks for one; with its key. */
  readonly cert?: string;
  readonly key?: string;
  /** False to talk to a listener whose certificate does not verify: to anybody, that is. True by default. */
  readonly verify?: boolean;
}

/**
 * Options for the server. A certificate is asked for in any case, so that a CA can come later; whether one is needed is
 * decided once the peer has said who it is.
 * @throws TandemError `invalid-argument` if certificate or key are not usable.
 */
export function serverTls(tls: ListenTls) {
  checkPem(tls.cert, tls.key, tls.clientCa);
  // No CA is not the default CAs: then anybody with a public certificate would be verified.
  const { cert, key, clientCa } = tls;
  return {
    ...{ cert, key, ca: clientCa ?? [] },
    ...{ requestCert: true, rejectUnauthorized: false, allowHalfOpen: true, handshakeTimeout: HANDSHAKE_MS },
    // A resumed session would be trusted by the CA that was there when it began.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** Connects with TLS over a TCP connection that is handed to `onTcp`: only that one can be reset. */
export function connectTls(options: ConnectionOptions, tls: ConnectTls, onTcp: (socket: Socket) => void): TLSSocket {
  const { host = "", port = 443 } = options;
  const socket = netConnect({ host, port });
  onTcp(socket);
  const { ca, cert, key, verify = true } = tls;
  const identity = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return tlsConnect({
    host,
    port,
    socket,
    servername: isIP(host) ? "" : host,
    ...identity,
    rejectUnauthorized: verify,
  });
}

/** @throws TandemError `invalid-argument` if what is given is not usable. */
export function checkConnectTls({ ca, cert, key }: ConnectTls): void {
  if ((cert === undefined) !== (key === undefined))
    throw new TandemError("invalid-argument", "A client certificate and its key go together; give both or none.");
  checkPem(cert, key, ca);
}

/** DNS names in the client certificate, in lower case; none if there is no certificate that verified. */
export function namesIn(socket: Socket | TLSSocket): readonly string[] {
  if (!("encrypted" in socket) || !socket.authorized) return [];
  const names = socket.getPeerCertificate().subjectaltname ?? "";
  // Names that need quotes could look like several; a name of a node never needs any.
  if (names.includes('"')) return [];
  return names.split(", ").flatMap((name) => (name.startsWith("DNS:") ? [name.slice(4).toLowerCase()] : []));
}

function checkPem(cert: string | undefined, key: string | undefined, ca: string | undefined): void {
  usable("The certificate", () => cert !== undefined && new X509Certificate(cert));
  usable("The certificate of the CA", () => ca !== undefined && new X509Certificate(ca));
  usable("The key, or the certificate it is for,", () =>
    createSecureContext({ ...(cert && { cert }), ...(key && { key }) }),
  );
}

function usable(what: string, read: () => unknown): void {
  try {
    read();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TandemError("invalid-argument", `${what} cannot be used (${reason}); give PEM files that fit together.`, {
      cause,
    });
  }
}
