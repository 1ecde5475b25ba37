/**
 * Cuts streams of batches into frames, and lists into pieces.
 */
import { FRAME_FILL_BYTES, MAX_BATCHES_PER_FRAME } from "../../protocol/limits.ts";
import type { RecordBatch } from "../model/batch.ts";
import { decodeBatch } from "../model/decode-batch.ts";
import { encodeBatch } from "../model/encode-batch.ts";

/** Records in one page of a pull. */
export const RECORDS_PER_PAGE = 8192;
/** Records in one frame of a change: the bodies they ask for are then a few MiB at most as a rule. */
export const RECORDS_PER_PART = 1024;

/** Batches in pieces that fit into a frame and have few enough records. */
export async function* framePages(
  pages: AsyncIterable<readonly RecordBatch[]>,
  mostRecords: number,
): AsyncGenerator<RecordBatch[]> {
  let open: RecordBatch[] = [];
  let [records, bytes] = [0, 0];
  for await (const page of pages) {
    for (const batch of page.flatMap(split)) {
      const isFull = records + batch.count > mostRecords || bytes + batch.bytes.length > FRAME_FILL_BYTES;
      if (open.length > 0 && (isFull || open.length >= MAX_BATCHES_PER_FRAME)) {
        yield open;
        open = [];
        [records, bytes] = [0, 0];
      }
      open.push(batch);
      records += batch.count;
      bytes += batch.bytes.length;
    }
  }
  if (open.length > 0) yield open;
}

/** A batch that is too large for a frame, as records with many long keywords can make it, in halves. */
function split(batch: RecordBatch): RecordBatch[] {
  if (batch.bytes.length <= FRAME_FILL_BYTES || batch.count === 1) return [batch];
  const records = decodeBatch(batch.bytes);
  const middle = records.length >>> 1;
  return [records.slice(0, middle), records.slice(middle)].flatMap((half) => split(encodeBatch(half)));
}

/** A list in pieces of at most `most`. */
export function* pieces<T>(items: readonly T[], most: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += most) yield items.slice(start, start + most);
}

/** What is at hand as a stream of one page. */
export async function* onePage<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  if (items.length > 0) yield items;
}
