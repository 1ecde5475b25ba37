/**
 * The From_ line of an mbox: telling it from a line of text, and the date in it.
 */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MONTH = MONTHS.join("|");
/**
 * `From sender Sat Jan  3 01:05:34 1996`, also with seconds left out, a zone before or behind the year, and the date
 * in the order of RFC 5322. Anything may be the sender.
 */
const FROM_LINE = new RegExp(
  `^From (?:.*[ \\t])?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?[ \\t]+` +
    `(?:(?:${MONTH})[ \\t]+\\d{1,2}|\\d{1,2}[ \\t]+(?:${MONTH})[ \\t]+\\d{4})[ \\t]+\\d{1,2}:\\d\\d(?::\\d\\d)?(?:[ \\t].*)?$`,
);
const DAY = new RegExp(`(?:(${MONTH})[ \\t]+(\\d{1,2})|(\\d{1,2})[ \\t]+(${MONTH}))[ \\t]`);
/** Offsets in hours of the zone names of RFC 5322 section 4.3; others count as UTC. */
const ZONES = new Map([
  ["EST", -5],
  ["EDT", -4],
  ["CST", -6],
  ["CDT", -5],
  ["MST", -7],
  ["MDT", -6],
  ["PST", -8],
  ["PDT", -7],
]);

/** True if `line` (without its end) begins a message of an mbox. */
export function isFromLine(line: string): boolean {
  return FROM_LINE.test(line) && yearOf(line) !== null;
}

/** The date in a From_ line, milliseconds since 1970; UTC if it names no zone (RFC 4155). Null if it is no real date. */
export function dateOfFromLine(line: string): number | null {
  const day = DAY.exec(line);
  const time = /[ \t](\d{1,2}):(\d\d)(?::(\d\d))?(?=[ \t]|$)/.exec(line);
  const year = yearOf(line);
  if (day === null || time === null || year === null) return null;
  const month = MONTHS.indexOf(day[1] ?? day[4] ?? "");
  const dayOfMonth = Number(day[2] ?? day[3]);
  const hour = Number(time[1]);
  const minute = Number(time[2]);
  const second = Number(time[3] ?? 0);
  if (dayOfMonth < 1 || dayOfMonth > 31 || hour > 23 || minute > 59 || second > 60) return null;
  const date = new Date(0);
  date.setUTCFullYear(year, month, dayOfMonth);
  return date.setUTCHours(hour, minute, second) - zoneOffset(line.slice(time.index + time[0].length));
}

/** The year stands behind the time, a word of its own (`+0200` is a zone), or before it in the order of RFC 5322. */
function yearOf(line: string): number | null {
  const behind = /[ \t]\d{1,2}:\d\d(?::\d\d)?[ \t](?:.*?[ \t])?(\d{4})(?=[ \t]|$)/.exec(line);
  const match = behind ?? /[ \t](\d{4})[ \t]+\d{1,2}:\d\d/.exec(line);
  return match === null ? null : Number(match[1]);
}

function zoneOffset(rest: string): number {
  const numeric = /[ \t]([+-])(\d\d)(\d\d)(?=[ \t]|$)/.exec(rest);
  if (numeric !== null) {
    const minutes = Number(numeric[2]) * 60 + Number(numeric[3]);
    return (numeric[1] === "-" ? -minutes : minutes) * 60_000;
  }
  const named = /[ \t]([A-Z]{3})(?=[ \t]|$)/.exec(rest);
  return (ZONES.get(named?.[1] ?? "") ?? 0) * 3_600_000;
}
