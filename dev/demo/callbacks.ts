/**
 * People who have just asked for a call on a web form: made up, like everyone here. The last four digits choose what the
 * simulators do (docs/simulators.md), so that each kind of call happens.
 */
const suffixes = ["0001", "0002", "0003", "0004", "0006", "0007", "0009", "0010", "0012", "0001", "0001", "0003"] as const;
const places: readonly (readonly [areaCode: string, state: string, zip: string])[] = [
  ["212", "NY", "10001"],
  ["312", "IL", "60601"],
  ["404", "GA", "30303"],
  ["206", "WA", "98101"],
];
const text =
  'By clicking ""Call me"" I agree that Acme Solar LLC may call me, including by automated or AI voice, at the number above. Consent is not required to buy.';

export const callbackColumns = {
  external_id: "Id",
  first_name: "First name",
  phone: "Phone",
  email: "Email",
  state: "State",
  zip: "Zip",
  consent_at: "Agreed at",
  consent_page: "Page",
  consent_ip: "Address",
  consent_text: "Text",
  notes: "Notes",
} as const;

/** A CSV file of web-form leads, the newest consent a few minutes old at `agreedAt`. */
export function callbacksCsv(agreedAt: string): { csv: string; count: number } {
  const rows = places.flatMap(([areaCode, state, zip], place) =>
    suffixes.map((suffix, index) => {
      const phone = `+1${areaCode}${String(230 + index + place)}${suffix}`;
      const id = `web-${place}-${index}`;
      return `${id},Sam,${phone},${id}@example.com,${state},${zip},${agreedAt},https://solar.example/call-me,203.0.113.${index + 1},"${text}",rang the bell twice`;
    }),
  );
  return { csv: `${Object.values(callbackColumns).join(",")}\r\n${rows.join("\r\n")}\r\n`, count: rows.length };
}
