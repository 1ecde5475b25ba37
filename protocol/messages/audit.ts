/**
 * `audit`: the master asks the replica to recompute a mailbox's digest from its records and to hash every message
 * (`verify --deep`). Answer: `audited`, or `failed`.
 */
import { z } from "zod";
import { mailboxId, name, requestNumber } from "../fields.ts";

export const auditSchema = z.object({ t: z.literal("audit"), q: requestNumber, account: name, mailboxId });

export type Audit = z.output<typeof auditSchema>;
