/**
 * Makes realistic mail for the examples: threads between people of several languages, in all common encodings, with HTML,
 * attachments and a few large messages. The same seed gives the same bytes.
 */
import MailComposer from "nodemailer/lib/mail-composer";

/** A message as a server received it. */
export interface DemoMail {
  readonly bytes: Buffer;
  /** Milliseconds since 1970. */
  readonly internalDate: number;
}

interface Person {
  readonly name: string;
  readonly address: string;
}

interface Language {
  readonly subjects: readonly string[];
  readonly sentences: readonly string[];
  readonly reply: string;
}

interface Thread {
  readonly subject: string;
  readonly language: Language;
  readonly people: readonly Person[];
  /** Message-IDs so far, oldest first. */
  readonly ids: string[];
}

type Attachment = { readonly filename: string; readonly content: Buffer; readonly contentType: string };
/** A number from 0 up to, not including, 1. */
export type Random = () => number;

const START = Date.UTC(2024, 2, 4, 7, 30);
const MEAN_GAP_MS = 47 * 60_000;
/** Share of messages that answer an earlier one, and of those with an attachment, HTML, or 1 to 2 MB. */
const REPLIES = 0.6;
const ATTACHMENTS = 0.15;
const HTML = 0.35;
const LARGE = 0.015;
const MEGABYTE = 1024 * 1024;
const ENCODINGS = ["quoted-printable", "base64", "8bit"] as const;

const PEOPLE: readonly Person[] = [
  { name: "Ann Sørensen", address: "ann@example.org" },
  { name: "Jürgen Weiß", address: "weiss@example.net" },
  { name: "Marie-Hélène Lefèvre", address: "mh.lefevre@example.com" },
  { name: "山田 太郎", address: "yamada@example.jp" },
  { name: "Ольга Иванова", address: "olga@example.ru" },
  { name: "O'Brien, Pat", address: "pat.obrien@example.org" },
  { name: "نادية حسن", address: "nadia@example.com" },
  { name: "", address: "builds+nightly@ci.example.net" },
];

const LANGUAGES: readonly Language[] = [
  {
    subjects: ["Minutes of Monday's meeting", "Invoice 2024-0173", "Nightly build failed", "Lunch on Thursday?"],
    sentences: [
      "Please find the figures attached.",
      "I moved the second point to next week, since the numbers from the supplier are not in yet.",
      "From what I can see, the third run was fine.",
      "Could you have a look before noon?",
    ],
    reply: "Re: ",
  },
  {
    subjects: ["Rückfrage zur Bestellung", "Protokoll der Sitzung", "Schlüsselübergabe am Freitag"],
    sentences: [
      "vielen Dank für die schnelle Antwort.",
      "Die Unterlagen für die Prüfung liegen bei, größere Änderungen gab es nicht.",
      "Wir treffen uns um 14 Uhr im Café an der Brücke.",
    ],
    reply: "AW: ",
  },
  {
    subjects: ["Réunion reportée à mardi", "Devis signé", "Où est passé le dossier ?"],
    sentences: [
      "Merci de confirmer votre présence avant jeudi.",
      "Le prix s'élève à 1 250 €, livraison comprise.",
      "Je vous envoie la version corrigée dès demain.",
    ],
    reply: "Re : ",
  },
  {
    subjects: ["会議の議事録", "請求書をお送りします"],
    sentences: ["お世話になっております。", "添付の資料をご確認ください。", "来週の水曜日はいかがでしょうか。"],
    reply: "Re: ",
  },
  {
    subjects: ["Вопрос по договору", "Фотографии с дачи 🌻"],
    sentences: ["Добрый день!", "Отправляю исправленный вариант договора.", "Посмотри, пожалуйста, когда будет время."],
    reply: "Re: ",
  },
];

/** `count` messages in order of delivery; later ones answer earlier ones. `seed` is any integer. */
export async function makeMail(seed: number, count: number): Promise<DemoMail[]> {
  const stream = mailStream(seed);
  const mails: DemoMail[] = [];
  while (mails.length < count) mails.push((await stream.next()).value);
  return mails;
}

/**
 * Mail without end, as `makeMail` gives it.
 * @param now tells the time at which each message is delivered, in milliseconds since 1970; a time in the past by default.
 */
export async function* mailStream(seed: number, now?: () => number): AsyncGenerator<DemoMail, never> {
  const random = seededRandom(seed);
  const threads: Thread[] = [];
  let date = START;
  for (let number = 0; ; number++) {
    date = now?.() ?? date + 1000 * Math.ceil((random() * 2 * MEAN_GAP_MS) / 1000);
    const known = random() < REPLIES ? pick(random, threads) : undefined;
    const thread = known ?? newThread(random, threads);
    yield { bytes: await compose(random, thread, number, date), internalDate: date };
  }
}

/** Mulberry32: small, fast, and the same everywhere. `seed` is any integer. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function pick<T>(random: Random, from: readonly T[]): T | undefined {
  return from[Math.floor(random() * from.length)];
}

function newThread(random: Random, threads: Thread[]): Thread {
  const language = pick(random, LANGUAGES) as Language;
  const first = Math.floor(random() * PEOPLE.length);
  const people = [0, 1, 3].map((step) => PEOPLE[(first + step) % PEOPLE.length] as Person);
  const thread: Thread = { subject: pick(random, language.subjects) as string, language, people, ids: [] };
  threads.push(thread);
  return thread;
}

async function compose(random: Random, thread: Thread, number: number, date: number): Promise<Buffer> {
  const { ids, language, people } = thread;
  const from = people[ids.length % people.length] as Person;
  const messageId = `<${number}.${Math.floor(random() * 1e9)}@${from.address.replace(/^.*@/, "")}>`;
  const text = body(random, language, from);
  const encoding = pick(random, ENCODINGS) ?? "8bit";
  const mail = {
    from,
    to: people.filter((person) => person !== from),
    subject: (ids.length > 0 ? language.reply : "") + thread.subject,
    date: new Date(date - 1000 * Math.floor(random() * 90)),
    messageId,
    ...(ids.length > 0 ? { inReplyTo: ids.at(-1) as string, references: [...ids] } : {}),
    text,
    ...(random() < HTML ? { html: htmlOf(text) } : {}),
    textEncoding: encoding === "8bit" ? ("quoted-printable" as const) : encoding,
    attachments: attachments(random, number),
    baseBoundary: `demo-${number}`,
    // Nothing of this is ever fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  ids.push(messageId);
  const node = new MailComposer(mail).compile();
  const bytes = await node.build();
  return encoding === "8bit" && node.childNodes.length === 0 ? unencoded(bytes, text) : bytes;
}

/** The message with its text as plain UTF-8: much mail looks so, but the composer never writes it. */
function unencoded(message: Buffer, text: string): Buffer {
  const headers = message.toString("latin1", 0, message.indexOf("\r\n\r\n"));
  const relabelled = headers.replace(/^Content-Transfer-Encoding: .*$/m, "Content-Transfer-Encoding: 8bit");
  return Buffer.from(`${relabelled}\r\n\r\n${text.replaceAll("\n", "\r\n")}`);
}

function body(random: Random, language: Language, from: Person): string {
  const count = 2 + Math.floor(random() * 12);
  const sentences = Array.from({ length: count }, () => pick(random, language.sentences) as string);
  return `${sentences.join(random() < 0.3 ? "\n\n" : "\n")}\n\n-- \n${from.name || from.address}\n`;
}

function htmlOf(text: string): string {
  const paragraphs = text.split("\n\n").map((part) => `<p>${part.replaceAll("\n", "<br>\n")}</p>`);
  return `<!DOCTYPE html>\n<html><body>\n${paragraphs.join("\n")}\n</body></html>\n`;
}

function attachments(random: Random, number: number): Attachment[] {
  const kind = random();
  if (kind < LARGE) {
    const size = Math.floor(MEGABYTE * (1 + random()) * 0.73);
    return [{ filename: `photo-${number}.jpg`, content: noise(random, size), contentType: "image/jpeg" }];
  }
  if (kind > LARGE + ATTACHMENTS) return [];
  const rows = Array.from({ length: 20 }, (_, row) => `${row};${Math.floor(random() * 1e6)};${random().toFixed(3)}`);
  return [
    { filename: "Übersicht März.csv", content: Buffer.from(`${rows.join("\r\n")}\r\n`), contentType: "text/csv" },
    {
      filename: "scan.pdf",
      content: noise(random, 2000 + Math.floor(random() * 30_000)),
      contentType: "application/pdf",
    },
  ];
}

function noise(random: Random, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(Math.floor(random() * 2 ** 32), at);
  return bytes;
}
