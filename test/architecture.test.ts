/** The README's table of folders: what each may import. Everything not listed is forbidden. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { tableUnder } from "./readme/blocks.ts";

const root = join(import.meta.dirname, "..");
const source = join(root, "src");

type Rule = { readonly may: readonly string[]; readonly mayTypes?: readonly string[] };
/** Folders (and the three files at the top) of src, as the README says them: "lib; types of db" means db by `import type` only. */
const rules: Readonly<Record<string, Rule>> = Object.fromEntries(
  tableUnder(readFileSync(join(root, "README.md"), "utf8"), "Directory").map(([part = "", , imports = ""]) => {
    const [may = "", mayTypes = ""] = imports.split("; types of ");
    const named = (text: string) => text.split(", ").filter((name) => name !== "" && name !== "nothing");
    return [part.replaceAll("`", ""), { may: named(may), mayTypes: named(mayTypes) }];
  }),
);

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const statement =
  /(?:^|\n)\s*(?:import|export)\s+(type\s+)?([^;]*?)\s*from\s*["']([^"']+)["']|(?:^|\n)\s*import\s*["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/g;

/** Every import of a file, with whether all that it brings are types. */
export function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(statement)].map((match) => {
    const specifier = match[3] ?? match[4] ?? match[5] ?? "";
    const names = /\{([^}]*)\}/
      .exec(match[2] ?? "")?.[1]
      ?.split(",")
      .map((name) => name.trim())
      .filter(Boolean);
    const inlineTypes =
      names !== undefined &&
      names.length > 0 &&
      !/^\w/.test(
        (match[2] ?? "")
          .replace(/\{[^}]*\}/, "")
          .replace(",", "")
          .trim(),
      ) &&
      names.every((name) => name.startsWith("type "));
    return { from: file, to: specifier, typeOnly: match[1] !== undefined || inlineTypes };
  });
}

const partOf = (path: string): string => relative(source, path).split("/")[0] ?? "";

/** What an import breaks, or null. */
export function fault({ from, to, typeOnly }: Import): string | null {
  if (!to.startsWith(".")) return null;
  const target = normalize(join(dirname(from), to));
  if (!target.startsWith(source)) return `${relative(root, from)} leaves src`;
  const [here, there] = [partOf(from), partOf(target)];
  const rule = rules[here];
  if (rule === undefined) return `${relative(root, from)}: the folder ${here} is not in the table`;
  if (here === there || rule.may.includes(there) || (typeOnly && rule.mayTypes?.includes(there))) return null;
  return `${relative(root, from)} imports ${relative(root, target)}`;
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : /\.tsx?$/.test(name) ? [path] : [];
  });
}

const files = filesUnder(source);
const at = (path: string) => join(source, path);

describe("the house", () => {
  it("has a row of the README's table for each part of src, and names no other part in it", () => {
    const parts = Object.keys(rules);
    expect(parts).toHaveLength(12);
    expect(readdirSync(source).filter((part) => !parts.includes(part))).toEqual([]);
    for (const { may, mayTypes = [] } of Object.values(rules))
      expect([...may, ...mayTypes].filter((part) => !parts.includes(part))).toEqual([]);
  });

  it("has no import that its table does not allow", () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.flatMap((file) => importsOf(file, readFileSync(file, "utf8")).flatMap((entry) => fault(entry) ?? []))).toEqual(
      [],
    );
  });

  it.each([
    ["gates/consent.ts", 'import { x } from "../db/org-db.ts";'],
    ["domain/leads/get-lead.ts", 'import { retell } from "../../providers/voice/retell.ts";'],
    ["http/app.ts", 'import { run } from "../dispatch/run.ts";'],
    ["http/app.ts", 'import { type Run, run } from "../dispatch/run.ts";'],
    ["lib/ids.ts", 'import { x } from "../gates/gate.ts";'],
    ["jobs/run-import.ts", 'const x = await import("../dispatch/run.ts");'],
    ["db/org-db.ts", 'export * from "../../test/support/world.ts";'],
    ["services/mail.ts", 'import { x } from "../lib/ids.ts";'],
  ])("%s may not say %s", (file, text) => {
    expect(importsOf(at(file), text).map(fault)).not.toEqual([null]);
  });

  it.each([
    ["http/app.ts", 'import type { Run } from "../dispatch/run.ts";'],
    ["http/app.ts", 'import { type Run } from "../dispatch/run.ts";'],
    ["dispatch/run.ts", 'import { decide } from "../gates/decide.ts";'],
  ])("%s may say %s", (file, text) => {
    expect(importsOf(at(file), text).map(fault)).toEqual([null]);
  });

  it("names its files in kebab-case, and none by a word that says nothing", () => {
    const empty = /(^|[/-])(utils?|helpers?|context|managers?|services?|misc|common)([-./]|$)/;
    expect(
      files.map((file) => relative(source, file)).filter((file) => !/^[a-z0-9/-]+\.tsx?$/.test(file) || empty.test(file)),
    ).toEqual([]);
  });

  it("reads the clock and draws random numbers at the entry only", () => {
    const clock = /\bDate\.now\(|new Date\(\)|Temporal\.Now|Math\.random\(|performance\.now\(/;
    const entry = new Set(["worker.ts", "deps.ts"]);
    expect(
      files
        .filter((file) => !entry.has(relative(source, file)) && clock.test(readFileSync(file, "utf8")))
        .map((file) => relative(root, file)),
    ).toEqual([]);
  });

  it("holds nothing that changes in a module but at the entry: one isolate serves many organisations, one test process many files", () => {
    const variable = /^(export )?(let|var) /m;
    // What a page's script keeps is in one browser.
    const own = (file: string) => readFileSync(file, "utf8").replaceAll(/String\.raw`[^`]*`/g, "");
    expect(files.filter((file) => variable.test(own(file))).map((file) => relative(source, file))).toEqual(["worker.ts"]);
  });

  it("keeps every file short enough to be read in one sitting", () => {
    const tables = /^gates\/rules\//;
    const long = files.filter(
      (file) => !tables.test(relative(source, file)) && readFileSync(file, "utf8").split("\n").length > 350,
    );
    expect(long.map((file) => relative(root, file))).toEqual([]);
  });
});
