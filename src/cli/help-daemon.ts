/**
 * What `--help` teaches about the daemon and the commands that look after it.
 */
import type { CommandHelp } from "./command-help.ts";

const LOOKS = `
Reads the store only, so it works whether or not a daemon runs.`;

export const DAEMON_HELP: Readonly<Record<string, CommandHelp>> = {
  serve: {
    summary: "run a node: answer others, keep peers up to date",
    description:
      "Serves a store to other nodes, and brings every change to the peers that have a URL as soon as it is made. " +
      "Everything can be given in a configuration file (YAML), or by options, which win over the file.",
    after: `
Whoever listens on an address that other machines reach has to name its peers
and their secrets; on loopback, without --peer, everybody is let in.
Secrets come from files that only their owner can read, or from environment
variables (TANDEM_SECRET for the peers named by --peer), never from options.

--peer-set NAME.KEY=VALUE sets what the configuration file has for a peer:
secretFile, secretEnv, certificate, accounts (repeat it for more than one),
readOnly, tls.ca, tls.cert, tls.key and tls.verify.

The store is read through slowly, over and over, in search of damage: 1 MiB a
second, and at most once a week (--scrub-rate, --scrub-days). What is damaged is
taken anew from a peer that has it; "tandem status" shows what none has.

SIGTERM and SIGINT let what is in flight end, a second one does not; SIGHUP
reads secrets and certificates again. Logs go to stderr, from level warn on
(TANDEM_LOG=info tells more).

Examples:
  tandem serve ./mail --listen 127.0.0.1:4190
  tandem serve --config /etc/tandem/tandem.yaml
  tandem serve --config /etc/tandem/tandem.yaml --check
  tandem serve /srv/mail --listen 0.0.0.0:4190 --node mail1 \\
    --tls-cert mail1.pem --tls-key mail1.key --ca-file ca.pem \\
    --peer mail2=wss://mail2.example:4190 --secret-file mail2.secret
  tandem serve /srv/mail --listen 127.0.0.1:4190 --peer archive \\
    --peer-set archive.secretFile=archive.secret \\
    --peer-set 'archive.accounts=*@example.org' --peer-set archive.readOnly=true

Exit status: 0 if it was ended by a signal and all is well, 1 if anything went
wrong, 2 for a wrong command line or configuration file (a line for each fault
on stderr, with its place; nothing was started).`,
  },
  status: {
    summary: "say whether the peers are up to date",
    description:
      "Shows for each peer and account what still has to be brought there, since when, and what failed. It is well if " +
      "every peer is connected, nothing fails, nothing waits longer than --max-lag, and the store is not damaged.",
    after: `${LOOKS}
A node whose peers only connect to it has no channel to any: then it is well as
long as the store is not damaged. /healthz of the daemon judges in the same way.
With --json: one object for each peer; with no channel one whose peer is null.

Examples:
  tandem status /srv/mail
  tandem status /srv/mail --peer mail2 --max-lag 300
  tandem status /srv/mail --json

Exit status: 0 all is well, 1 it is not (and says why), 2 could not tell: no
store, no such peer.`,
  },
  wait: {
    summary: "wait until a peer has everything",
    description:
      "Waits until everything that changed in the store before the command was started is at the peer. What changes " +
      "afterwards is not waited for.",
    after: `${LOOKS}
A daemon has to run for anything to happen.

Examples:
  tandem wait /srv/mail --peer mail2
  tandem wait /srv/mail --peer mail2 --timeout 30 && shutdown now

Exit status: 0 it has everything, 1 not until the timeout, 2 could not tell: no
store, no such peer.`,
  },
  allow: {
    summary: "let a held mass deletion through",
    description:
      "Lets plans through that the mass-deletion brake holds: those that would take over 100 messages and over half of an " +
      "account away because mailboxes were deleted, or expunged messages purged. Look first (tandem status) whether that " +
      "was meant.",
    after: `
A daemon that runs goes on at once. What is held later is held again. Messages that
somebody expunged, and of which the tombstones are there, are never held.

Examples:
  tandem allow /srv/mail --peer mail2
  tandem allow /srv/mail --peer mail2 --account ann@example.org

Exit status: 0 something was held and may go on, 1 nothing was held, 2 no store,
no such peer.`,
  },
  forget: {
    summary: "drop what is held for a peer that is gone for good",
    description:
      "Removes the channel to a peer and everything that waited for it, and lets purges no longer wait for the peer. " +
      "For a peer that is only down there is nothing to do: it catches up by itself.",
    after: `
Take the peer out of the daemon's configuration first, and restart it. A peer
that comes back later catches up; no mail is lost, and none that was expunged
comes back. A store that was only synced by hand has no name; "tandem purge"
shows its epoch.

Examples:
  tandem forget /srv/mail --peer mail2
  tandem forget /srv/mail --peer 0123456789abcdef0123456789abcdef

Exit status: 0 it is forgotten, 2 no store, no such peer, or a daemon still has a
channel to it.`,
  },
};
