const browsers = [
  ["Edge", /\bEdg(e|A|iOS)?\//],
  ["Opera", /\bOPR\//],
  ["Samsung Internet", /\bSamsungBrowser\//],
  ["Firefox", /\b(Firefox|FxiOS)\//],
  ["Chrome", /\b((Headless)?Chrome|CriOS)\//],
  ["Safari", /\bSafari\//],
] as const;
const systems = [
  ["iPhone", /\biPhone\b/],
  ["iPad", /\biPad\b/],
  ["Android", /\bAndroid\b/],
  ["Windows", /\bWindows\b/],
  ["macOS", /\bMac OS X\b/],
  ["ChromeOS", /\bCrOS\b/],
  ["Linux", /\bLinux\b/],
] as const;

/** What a person calls their browser, from its User-Agent: "Firefox on Windows". A browser may say what it likes. */
export function deviceName(userAgent: string | null): string {
  const named = (kinds: readonly (readonly [string, RegExp])[]) => kinds.find(([, form]) => form.test(userAgent ?? ""))?.[0];
  const system = named(systems);
  return `${named(browsers) ?? "an unknown browser"}${system === undefined ? "" : ` on ${system}`}`;
}
