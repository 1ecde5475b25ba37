/**
 * What went wrong with a connection or a listener, said so that an administrator knows what to do.
 */
import { TandemError } from "../model/errors.ts";

type Fault = Error & { code?: string };

/** The certificate's chain ends at nobody this side trusts. */
const UNKNOWN_ISSUER = [
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "CERT_UNTRUSTED",
];

const WRONG_NAME = ["ERR_TLS_CERT_ALTNAME_INVALID", "HOSTNAME_MISMATCH"];

export function lateError(url: string, timeoutMs: number): TandemError {
  return new TandemError("timeout", `${url} did not answer within ${timeoutMs} ms; check host, port and firewall.`);
}

/** Why a connection could not be made. */
export function connectFault(error: Fault, url: string): TandemError {
  const failed = (text: string) => new TandemError("disconnected", text, { cause: error });
  const code = error.code ?? "";
  if (code === "ECONNREFUSED") return failed(`Nothing listens at ${url}; start a node there or check host and port.`);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return failed(`The host of ${url} cannot be found; check its name and the name server.`);
  if (code.startsWith("HPE_")) return failed(`At ${url} is no WebSocket server; ${tlsHint(url)}check host and port.`);
  if (code === "ECONNRESET")
    return failed(`${url} hung up without an answer; ${tlsHint(url)}check that a Tandem node listens there.`);
  if (code === "EPROTO" || code.startsWith("ERR_SSL_"))
    return failed(`${url} does not speak TLS as expected; if it listens without, connect with ws://, else update it.`);
  const certificate = certificateFault(error, code, url);
  if (certificate !== null) return certificate;
  if (code !== "") return failed(`${url} cannot be reached (${code}); check the network and that the node runs.`);
  return failed(`${url} did not accept the connection (${error.message}); check that a Tandem node listens there.`);
}

/** Why a certificate is not trusted, or null if that is not the fault. */
function certificateFault(error: Fault, code: string, url: string): TandemError | null {
  const denied = (text: string) => new TandemError("denied", text, { cause: error });
  if (code === "CERT_HAS_EXPIRED") return denied(`The certificate of ${url} has expired; renew it there.`);
  if (code === "CERT_NOT_YET_VALID")
    return denied(`The certificate of ${url} is not valid yet; check the clocks of both machines.`);
  if (UNKNOWN_ISSUER.includes(code))
    return denied(`The certificate of ${url} is issued by nobody trusted here; give the certificate of its CA.`);
  if (WRONG_NAME.includes(code))
    return denied(`The certificate of ${url} is for another name; connect by a name that is in it, or renew it there.`);
  if (!/^(CERT_|CRL_|INVALID_|UNABLE_TO_|PATH_LENGTH|EE_)/.test(code)) return null;
  return denied(`The certificate of ${url} does not verify (${code}); renew it there.`);
}

/** For a side that spoke without TLS to something that is no plain WebSocket server. */
function tlsHint(url: string): string {
  return /^ws:/i.test(url) ? "if it listens with TLS, connect with wss://, else " : "";
}

/** Why it is not possible to listen. */
export function listenFault(error: Fault, host: string, port: number): TandemError {
  const failed = (text: string) => new TandemError("invalid-argument", text, { cause: error });
  if (error.code === "EADDRINUSE")
    return failed(`Port ${port} on ${host} is in use; choose another port or stop the program that has it.`);
  if (error.code === "EACCES") return failed(`Port ${port} is not allowed to this user; choose one above 1023.`);
  return failed(
    `It is not possible to listen on ${host}, port ${port} (${error.code}); give an address of this machine.`,
  );
}

/** An error of the WebSocket library on an open connection, in our words. */
export function lineFault(error: Fault, peer: string): TandemError {
  const code = error.code ?? "";
  if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" || code === "WS_ERR_TOO_MANY_BUFFERED_PARTS")
    return new TandemError("limit", `The peer ${peer} sent a frame that is too large.`, { cause: error });
  if (code.startsWith("WS_ERR_"))
    return new TandemError("bad-frame", `The peer ${peer} broke the WebSocket protocol (${error.message}).`);
  return new TandemError("disconnected", `The connection to ${peer} broke (${code || error.message}); try again.`, {
    cause: error,
  });
}
