/** A lead file of any length, made as it is read: the same seed gives the same bytes. Columns as dev/data/leads.map.json names them. */
export interface LeadFile {
  readonly rows: number;
  readonly accepted: number;
  readonly bytes: number;
}

const places = [
  ["212", "NY", "10001", "New York"],
  ["213", "CA", "90001", "Los Angeles"],
  ["312", "IL", "60601", "Chicago"],
  ["404", "GA", "30303", "Atlanta"],
  ["503", "OR", "97201", "Portland"],
  ["602", "AZ", "85001", "Phoenix"],
  ["617", "MA", "02108", "Boston"],
  ["713", "TX", "77002", "Houston"],
  ["305", "FL", "33101", "Miami"],
  ["206", "WA", "98101", "Seattle"],
  ["615", "TN", "37203", "Nashville"],
  ["303", "CO", "80202", "Denver"],
] as const;
const texts = [
  `"By clicking ""Get quote"" I agree that Acme Solar LLC may call me, including by automated or AI voice, at the number above. Consent is not required to buy."`,
  "I authorize Acme Sun to contact me at this number using an artificial or prerecorded voice for marketing; consent is not a condition of purchase.",
  `"I agree to receive automated marketing calls, artificial voice included, from Acme Solar LLC. My consent is not a condition of any purchase."`,
  "Please contact me about my request.",
] as const;
const firstNames = ["Ann", "José", "Mary", '"Jean, Jr"', "Li", "Fatima", "Bob", "Zoë"] as const;
const lastNames = ["Smith", "van der Berg", "O'Neill", "García", "Nguyen", "Lee", "Müller", "Brown"] as const;
const header =
  "Lead ID,First Name,Last Name,Phone,Email,City,State,Zip,Source,Consent Date,Consent Page,TrustedForm Cert,IP Address,Disclosure,Notes\n";

const numbersPerPlace = 800 * 10_000;
/** Prime, and no factor of the count of numbers: every index has a number of its own, and neighbours lie far apart. */
const stride = 7_368_787;
const unreachableEvery = 199;
const repeatedEvery = 97;
const pieceBytes = 65_536;

/** Its rows and how many of them become leads, without its bytes. */
export function acceptedOf(rows: number): number {
  let accepted = 0;
  for (let index = 0; index < rows; index += 1) if (kindOf(index) === "lead") accepted += 1;
  return accepted;
}

export function* leadFile(rows: number, seed: number): Generator<Uint8Array<ArrayBuffer>, void> {
  const encoder = new TextEncoder();
  let text = header;
  for (let index = 0; index < rows; index += 1) {
    text += row(index, seed);
    if (text.length < pieceBytes) continue;
    yield encoder.encode(text);
    text = "";
  }
  if (text !== "") yield encoder.encode(text);
}

function kindOf(index: number): "lead" | "unreachable" | "repeated" {
  if (index % unreachableEvery === 7) return "unreachable";
  return index % repeatedEvery === 50 ? "repeated" : "lead";
}

function row(index: number, seed: number): string {
  const kind = kindOf(index);
  // One row back stands another number, unless that row has none.
  const named = kind === "repeated" ? index - (kindOf(index - 1) === "lead" ? 1 : 2) : index;
  const mixed = (index * 2_654_435_761 + seed) >>> 0;
  const [npa, state, zip, city] = places[named % places.length] as (typeof places)[number];
  const line = (named * stride + seed * 104_729) % numbersPerPlace;
  const digits = `${npa}${String(2_000_000 + line)}`;
  const phone = kind === "unreachable" ? "n/a" : spelled(digits, mixed % 4);
  const id = `L${seed}-${String(index).padStart(7, "0")}`;
  const cert = `https://cert.trustedform.com/${mixed.toString(16).padStart(8, "0")}${index.toString(16).padStart(8, "0")}0123456789abcdef01234567`;
  const text = texts[mixed % texts.length] ?? "";
  const minute = String(mixed % 60).padStart(2, "0");
  const date =
    mixed % 3 === 0 ? `${1 + (mixed % 12)}/${1 + (mixed % 28)}/2025 14:${minute}` : `2026-0${1 + (mixed % 9)}-12 10:${minute}:00`;
  return `${id},${firstNames[mixed % 8] ?? ""},${lastNames[(mixed >>> 3) % 8] ?? ""},${phone},${id.toLowerCase()}@example.com,${city},${state},${zip},solar-form,${date},https://offers.example.com/solar,${cert},203.0.113.${mixed % 250},${text},${mixed % 5 === 0 ? "call after 5" : ""}\n`;
}

function spelled(digits: string, form: number): string {
  const [npa, nxx, last] = [digits.slice(0, 3), digits.slice(3, 6), digits.slice(6)];
  if (form === 0) return `(${npa}) ${nxx}-${last}`;
  if (form === 1) return `+1${digits}`;
  return form === 2 ? digits : `${npa}-${nxx}-${last}`;
}
