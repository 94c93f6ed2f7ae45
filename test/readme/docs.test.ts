/** The reference pages are held to the code that they describe. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { exitCodes } from "../../cli/verify.ts";
import { phoneMemo, readPhone } from "../../src/lib/phone.ts";
import { gates } from "../../src/gates/registry.ts";
import { idPrefixes } from "../../src/lib/ids.ts";
import { type ProblemCode, problemTypes } from "../../src/http/problem-types.ts";
import { refinements, refinementsOf } from "../../src/http/refinements.ts";
import { renderErrorCodes } from "../../dev/render-error-codes.ts";
import { recentSeconds } from "../../src/domain/factors/add-passkey.ts";
import { failuresMax } from "../../src/domain/factors/show-factor.ts";
import { createApp } from "../../src/http/app.ts";
import type { HttpDeps } from "../../src/http/http-env.ts";
import { quotasOf } from "../../src/http/quotas.ts";
import { recoveryCodesInSet } from "../../src/lib/recovery-code.ts";
import { challengeSeconds } from "../../src/lib/webauthn-challenge.ts";
import { vendors } from "../../src/providers/vendors.ts";
import { learnedHoursMin, unusualCountMin, unusualTimes } from "../../src/lib/usual-rate.ts";
import { signInRefusals } from "../../src/domain/sign-in/oidc/finish-sign-in.ts";
import { columnMap } from "../../src/domain/imports/import-map.ts";
import { fileBytesMax } from "../../src/domain/imports/store-file.ts";
import golden from "../audit/golden.json" with { type: "json" };
import { blocksOf, tableUnder } from "./blocks.ts";
import { root } from "./run-blocks.ts";

/** What the document is made of. */
const documented = {
  newId: () => "019a9b2c-7d00-7000-8000-000000000001",
  publicOrigin: "https://api.dialgate.test",
  roleIsSafe: async () => true,
  flood: async () => true,
  rateLimits: { take: async () => null },
  report: () => undefined,
  quotas: quotasOf(),
  vendors,
} as unknown as HttpDeps;
const page = (name: string) => readFileSync(join(root, "docs", name), "utf8");
const codesUnder = (text: string, heading: string) => tableUnder(text, heading).map((row) => row[0]?.replaceAll("`", ""));

describe("docs/gates.md", () => {
  const text = page("gates.md");
  test("names each gate of this build, in order, and no other", () => {
    expect([...text.matchAll(/^## (.+)$/gm)].map((match) => match[1])).toEqual(gates.map((gate) => gate.name));
  });
  test.each(gates.map((gate) => [gate.name, gate.reasons] as const))("says the reasons of %s, in order", (name, reasons) => {
    expect(codesUnder(text, name)).toEqual([...reasons]);
  });
});

describe("docs/api.md", () => {
  const text = page("api.md");
  test("lists every code of a problem with its status", () => {
    const listed = tableUnder(text, "API conventions").map(([code = "", status]) => [code.replaceAll("`", ""), Number(status)]);
    expect(listed).toEqual(Object.entries(problemTypes).map(([code, { status }]) => [code, status]));
  });
  test("names each prefix of ids, and none that does not exist", () => {
    const [line = ""] = text.split("\n").filter((one) => one.startsWith("**Ids**"));
    const prefixes: readonly string[] = Object.values(idPrefixes);
    const named = [...line.matchAll(/`([a-z]+)_`/g)].map((match) => match[1] ?? "");
    expect(prefixes.length).toBeGreaterThan(20);
    expect([...new Set(named)].toSorted()).toEqual(prefixes.toSorted());
  });
});

describe("docs/error-codes.md", () => {
  const pages = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"));
  test("has what may stand in errors[].code, as the code has it, and /errors/{type} answers the same", async () => {
    expect(page("error-codes.md"), "node dev/render-error-codes.ts writes it").toBe(renderErrorCodes());
    const told = await (await createApp().request("/errors/conflict", {}, documented)).json();
    expect((told as { codes: unknown }).codes).toEqual(refinementsOf("conflict"));
    expect(codesUnder(page("error-codes.md"), "`conflict` (409)")).toEqual(refinementsOf("conflict").map(({ code }) => code));
    expect(await (await createApp().request("/errors/not-found", {}, documented)).json()).toMatchObject({ codes: [] });
  });
  test("each code is said somewhere in the code, and every check of a schema names one of them", () => {
    const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    const texts = new Map(files.map((name) => [name, readFileSync(join(root, "src", name), "utf8")]));
    const elsewhere = [...texts].filter(([name]) => name !== "http/refinements.ts").map(([, text]) => text).join("\n");
    const codes = Object.values(refinements).flatMap((known) => Object.keys(known));
    expect(codes.length).toBeGreaterThan(90);
    expect(codes.filter((code) => !elsewhere.includes(`"${code}"`) && !elsewhere.includes(`\`${code}\``))).toEqual([]);
    // `coded` knows the codes by their type; an issue of any other making could name what stands on no page.
    expect([...texts].filter(([, text]) => text.includes("params: { code")).map(([name]) => name)).toEqual(["http/fields.ts"]);
  }); // prettier-ignore
  test("no page, and no operation, gives a code of errors[] for the problem's own", async () => {
    const operations = JSON.stringify(await (await createApp().request("/openapi.json", {}, documented)).json());
    const said = [...["README.md", "SECURITY.md", "CHANGELOG.md"].map((name) => readFileSync(join(root, name), "utf8")), ...pages.map(page), operations];
    const given = said.flatMap((text) => [...text.matchAll(/\b([45]\d\d) `([a-z_]+)`/g)].map(([, status, code]) => [Number(status), code]));
    expect(given.length).toBeGreaterThan(15);
    for (const [status, code] of given) expect(problemTypes[code as ProblemCode]?.status, `${status} \`${code}\``).toBe(status);
  }); // prettier-ignore
});

describe("docs/rate-limits.md", () => {
  const text = page("rate-limits.md");
  test("lists each quota with its requests and seconds, and no other", () => {
    const listed = tableUnder(text, "Rate limits").map(([name = "", limit, seconds]) => [name.replaceAll("`", ""), Number(limit), Number(seconds)]); // prettier-ignore
    expect(listed).toEqual(Object.values(quotasOf()).map(({ name, limit, windowSeconds }) => [name, limit, windowSeconds]));
  });
  test("says the flood limits that wrangler.toml sets", () => {
    const wrangler = readFileSync(join(root, "wrangler.toml"), "utf8");
    const set = [...wrangler.matchAll(/simple = \{ limit = (\d+), period = 10 \}/g)].map((match) => Number(match[1]));
    expect(set).toHaveLength(2);
    for (const limit of set) expect(text).toContain(limit.toLocaleString("en-US"));
    // Whoever keeps the quota of an address never meets it.
    expect(set[0]).toBeGreaterThanOrEqual(quotasOf().address.limit);
  });
  test("says when a rate is unusual", () => {
    expect({ unusualTimes, unusualCountMin, learnedHoursMin }).toEqual({
      unusualTimes: 10,
      unusualCountMin: 600,
      learnedHoursMin: 24,
    });
    for (const words of ["more than ten times that, and more than 600", "before 24 hours of use"]) expect(text).toContain(words);
  });
});

describe("SECURITY.md", () => {
  /** The settings that some section of the file gives a name, whichever environment it is of. */
  const given = (toml: string, name: string): string[] =>
    [...toml.replaceAll(/(^|\s)#[^\n]*/g, "").matchAll(new RegExp(`\\b${name}"?\\s*=\\s*([^\\s,}]+)`, "g"))].map(
      ([, value = ""]) => value,
    );
  const wrangler = readFileSync(join(root, "wrangler.toml"), "utf8");

  test("says that the platform writes down no request, and wrangler.toml has it so: an address holds the codes of sign-ins", () => {
    expect(page("../SECURITY.md")).toContain("The platform's own log of requests (`invocation_logs`) and its traces are off");
    expect(wrangler).toMatch(/^\[observability\]\nenabled = true$/m);
    expect(wrangler).toMatch(/^\[observability\.logs\]\ninvocation_logs = false$/m);
    expect(given(wrangler, "invocation_logs")).toEqual(["false"]);
    // Each of these would carry addresses of requests elsewhere.
    for (const name of ["logpush", "tail_consumers", "streaming_tail_consumers", "traces", "destinations"]) expect(given(wrangler, name), name).toEqual([]);
    expect(wrangler).not.toMatch(/^\[+(?!observability\]|observability\.logs\])[^\]\n]*(observability|tail_consumers)/m);
    expect(given("[env.x.observability.logs]\ninvocation_logs = true # false", "invocation_logs")).toEqual(["true"]);
  }); // prettier-ignore
});

describe("docs/second-factors.md", () => {
  const text = page("second-factors.md");
  test("names each request of second factors, and no other", async () => {
    const document = (await (await createApp().request("/openapi.json", {}, documented)).json()) as {
      paths: Record<string, Record<string, { tags: readonly string[] }>>;
    };
    const served = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { tags }]) =>
        tags.includes("second_factors") || path.startsWith("/auth/passkey") ? [`${method.toUpperCase()} ${path}`] : [],
      ),
    );
    expect(served).toHaveLength(16);
    expect(codesUnder(text, "Second factors").toSorted()).toEqual(served.toSorted());
  });
  test("says the limits that the code has", () => {
    const said = { challengeSeconds, recentSeconds, recoveryCodesInSet, failuresMax, attempts: quotasOf().challenge.limit };
    expect(said).toEqual({ challengeSeconds: 300, recentSeconds: 900, recoveryCodesInSet: 10, failuresMax: 10, attempts: 5 });
    for (const words of [
      "after five minutes",
      "of the last 15 minutes",
      "Ten of 120 bits",
      "Ten that did not hold",
      "Five in 15 minutes",
    ])
      expect(text).toContain(words);
  });
});

describe("docs/oidc.md", () => {
  test("says each reason for which nobody is signed in, in order", () => {
    expect(codesUnder(page("oidc.md"), "Refusals")).toEqual([...signInRefusals]);
  });
});

describe("docs/imports.md", () => {
  const text = page("imports.md");
  test("names every column that a map can name", () => {
    for (const column of Object.keys(columnMap.shape)) expect(text).toContain(`\`${column}\``);
  });
  test("lists the codes of rejected rows and of ineligible leads as the demo's file has them", () => {
    const expected = JSON.parse(readFileSync(join(root, "dev/data/leads.expected.json"), "utf8"));
    expect(new Set(codesUnder(text, "Rejected rows"))).toEqual(new Set([...Object.keys(expected.rejected), "duplicate_in_org"]));
    expect(new Set(codesUnder(text, "Accepted, and ineligible"))).toEqual(new Set(Object.keys(expected.ineligible)));
  });
  test("says the limits and readings that the code has", () => {
    expect(fileBytesMax).toBe(100 * 1024 * 1024);
    expect(readPhone("1.7E+10", phoneMemo())).toMatchObject({ ok: false, code: "phone_invalid" });
  });
});

describe("docs/audit.md", () => {
  const text = page("audit.md");
  test("shows the golden vector that all implementations are held to", () => {
    const [block] = blocksOf(text).filter(({ kind }) => kind === "vector");
    const shown = Object.fromEntries((block?.text ?? "").split("\n").map((line) => line.split(/\s+/)));
    const [chain] = golden;
    const entry: Readonly<Record<string, unknown>> = chain?.entries[0] ?? {};
    expect(shown["org"]).toBe(chain?.org);
    expect(shown["genesis"]).toBe(entry["previous_hash"]);
    const { org: _, genesis, ...fields } = shown;
    expect(genesis).toBe(chain?.genesis);
    expect(Object.keys(fields)).toHaveLength(9);
    for (const [name, value] of Object.entries(fields)) expect(value, name).toBe(String(entry[name]));
  });
  test("says the exit codes of verify", () => {
    const said = tableUnder(text, "Verify").flatMap(([code, says = ""]) => {
      const kind = /^`(\w+)`:/.exec(says)?.[1];
      return kind === undefined ? [] : [[kind, Number(code)]];
    });
    expect(Object.fromEntries(said)).toEqual(exitCodes);
  });
});
