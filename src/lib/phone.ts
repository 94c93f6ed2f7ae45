import { parsePhoneNumberFromString } from "libphonenumber-js/max";

/** First that applies (in this order). */
export type PhoneRefusal = "phone_invalid" | "phone_not_geographic" | "phone_not_us";

interface UsPhone {
  readonly ok: true;
  readonly e164: string;
  /** ISO code of the state or territory's numbering: US, PR, VI, GU, AS or MP. */
  readonly country: string;
  /** As the library says: for +1 mostly FIXED_LINE_OR_MOBILE. */
  readonly type: string;
  /** The area code: three digits. */
  readonly npa: string;
}
interface RefusedPhone {
  readonly ok: false;
  readonly code: PhoneRefusal;
}
export type PhoneReading = UsPhone | RefusedPhone;

/**
 * What the library said of a block of ten thousand numbers (NPA-NXX): it answers alike for all of a block, at some
 * 17 µs a number. One byte a block: a file with every block of the country stays at one megabyte.
 */
export interface PhoneMemo {
  readonly blocks: Uint8Array;
  readonly verdicts: BlockVerdict[];
}
type BlockVerdict = { readonly country: string; readonly type: string } | PhoneRefusal;

export function phoneMemo(): PhoneMemo {
  return { blocks: new Uint8Array(1_000_000), verdicts: [] };
}

const usCountries: ReadonlySet<string> = new Set(["US", "PR", "VI", "GU", "AS", "MP"]);
// Toll-free, premium, shared-cost, personal and carrier numbers belong to no place: no hours can be told for them.
const geographicTypes: ReadonlySet<string> = new Set(["FIXED_LINE", "MOBILE", "FIXED_LINE_OR_MOBILE"]);
/** A cell longer than any number with its decoration is not worth the library's time. */
const textMax = 64;

const plainNorthAmerican = /^(?:\+?1[ .-]*)?\(?([2-9]\d\d)\)?[ .-]*(\d{3})[ .-]*(\d{4})$/;
// Direction marks and the byte-order mark come with numbers that were copied from a contact list.
const invisible = /[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;
const mayHoldInvisible = /[^\x20-\x7e]/;

/**
 * A cell's text as a number to be called. Numbers without a country code are read as American ones. Letters, two numbers,
 * an extension or a rounded 1.7E+10 are not guessed at.
 */
export function readPhone(text: string, memo: PhoneMemo): PhoneReading {
  const bare = withoutArtefacts(text);
  const parts = plainNorthAmerican.exec(bare);
  if (parts === null) return bare.length === 0 || bare.length > textMax ? refused.phone_invalid : askLibrary(bare);
  const [, npa = "", nxx = "", rest = ""] = parts;
  const block = Number(npa) * 1000 + Number(nxx);
  const known = memo.blocks[block] ?? 0;
  const verdict = known > 0 ? memo.verdicts[known - 1] : undefined;
  if (verdict === undefined) {
    const answer = askLibrary(`+1${npa}${nxx}${rest}`);
    remember(memo, block, answer.ok ? { country: answer.country, type: answer.type } : answer.code);
    return answer;
  }
  if (typeof verdict === "string") return refused[verdict];
  return { ok: true, e164: `+1${npa}${nxx}${rest}`, country: verdict.country, type: verdict.type, npa };
}

const refused: Readonly<Record<PhoneRefusal, RefusedPhone>> = {
  phone_invalid: { ok: false, code: "phone_invalid" },
  phone_not_geographic: { ok: false, code: "phone_not_geographic" },
  phone_not_us: { ok: false, code: "phone_not_us" },
};

/** What spreadsheets put around a number to keep it text: ="…", a leading apostrophe, quotes, spaces. */
function withoutArtefacts(text: string): string {
  const visible = mayHoldInvisible.test(text) ? text.replace(invisible, "").replace(/\s/g, " ") : text;
  let bare = visible.trim();
  if (bare.startsWith("=")) bare = bare.slice(1).trim();
  if (bare.length > 1 && bare.startsWith('"') && bare.endsWith('"')) bare = bare.slice(1, -1).trim();
  while (bare.startsWith("'")) bare = bare.slice(1).trim();
  if (bare.endsWith("'")) bare = bare.slice(0, -1).trim();
  // "(+1) 213 …": the library reads a country code only outside of brackets.
  return bare.replace(/^\(\s?(\+\d{1,3})\s?\)/, "$1 ");
}

function askLibrary(text: string): PhoneReading {
  const number = parsePhoneNumberFromString(text, { defaultCountry: "US", extract: false });
  if (number === undefined || number.ext !== undefined || !number.isValid()) return refused.phone_invalid;
  const type = number.getType();
  if (type === undefined || !geographicTypes.has(type)) return refused.phone_not_geographic;
  const { country } = number;
  if (country === undefined || !usCountries.has(country)) return refused.phone_not_us;
  return { ok: true, e164: number.number, country, type, npa: number.nationalNumber.slice(0, 3) };
}

function remember(memo: PhoneMemo, block: number, verdict: BlockVerdict): void {
  let index = memo.verdicts.findIndex((known) => sameVerdict(known, verdict));
  if (index < 0) index = memo.verdicts.push(verdict) - 1;
  // Of the library's metadata 1.13.16, all 640,000 blocks asked: where one block is an ordinary American one, so are the
  // other ninety-nine with its first four digits. A test asks again, for the day that this ends.
  if (typeof verdict !== "string" && verdict.country === "US")
    memo.blocks.fill(index + 1, block - (block % 100), block - (block % 100) + 100);
  else memo.blocks[block] = index + 1;
}

function sameVerdict(one: BlockVerdict, other: BlockVerdict): boolean {
  if (typeof one === "string" || typeof other === "string") return one === other;
  return one.country === other.country && one.type === other.type;
}
