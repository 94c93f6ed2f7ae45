import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startStack, type Stack } from "../../dev/stack.ts";
import { parseEnv } from "../../src/env.ts";
import type { Instant } from "../../src/lib/instant.ts";
import packageJson from "../../package.json" with { type: "json" };
import { type Block, blocksOf, commandsOf, comparable, tableUnder } from "./blocks.ts";
import { root, runBlocks } from "./run-blocks.ts";

const path = join(root, "README.md");
const readme = readFileSync(path, "utf8");
const ci = readFileSync(join(root, ".ci/run"), "utf8");
const wrangler = readFileSync(join(root, "wrangler.toml"), "utf8");
const blocks = blocksOf(readme);
const shell = (kind: string) => blocks.filter((block) => block.language === "sh" && block.kind === kind);
/** The output that the page shows right below a block. */
const shownBelow = (block: Block): Block | undefined => {
  const next = blocks[blocks.indexOf(block) + 1];
  const between = readme.split("\n").slice(block.line + block.text.split("\n").length + 1, (next?.line ?? 0) - 1);
  return next?.language === "text" && next.kind === "" && between.every((line) => line.trim() === "") ? next : undefined;
};

/** Where the demo's second test organisation stands when the reader begins. */
const begins = "2026-11-20T07:00:00Z" as Instant;
const scratch = mkdtempSync(join(tmpdir(), "dialgate-readme-"));

function compare(ran: readonly Block[], printed: readonly string[]): void {
  if (process.env["UPDATE_README"]) return rewrite(ran, printed);
  const shown = ran.flatMap((block, index) => {
    const below = shownBelow(block);
    return below === undefined ? [] : [{ line: below.line, shown: below.text, printed: printed[index] ?? "" }];
  });
  expect(shown.length).toBeGreaterThan(0);
  for (const one of shown) expect(comparable(one.printed), `README.md, line ${one.line}`).toBe(comparable(one.shown));
}

/** `UPDATE_README=1 npm test -- test/readme` writes what was printed into the page. */
function rewrite(ran: readonly Block[], printed: readonly string[]): void {
  let text = readFileSync(path, "utf8");
  for (const [index, block] of ran.entries()) {
    const below = shownBelow(block);
    if (below === undefined) continue;
    const fence = (output: string) => `${block.text}\n\`\`\`\n\`\`\`text\n${output === "" ? "" : `${output}\n`}\`\`\``;
    text = text.replace(fence(below.text), () => fence(printed[index] ?? ""));
  }
  writeFileSync(path, text);
}

/** The demo's report as .ci/run kept it, from the import to the promises. */
function rewriteReport(): void {
  const log = readFileSync(join(root, "reports/ci/demo.log"), "utf8");
  const report = log.slice(log.indexOf("2  A file of leads"), log.indexOf("Where to look next")).trimEnd();
  const text = readFileSync(path, "utf8");
  writeFileSync(
    path,
    text.replace(/(```text demo\n)[^`]*(```)/, (_, before: string, after: string) => `${before}${report}\n${after}`),
  );
}

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("the README's first API calls", () => {
  let stack: Stack | undefined;
  let env: Record<string, string>;
  beforeAll(async () => {
    const started = await startStack();
    stack = started;
    const { apiKey } = await started.seed("First calls", begins);
    env = { DIALGATE: started.origin, SIMULATOR: started.simulators.origin, KEY: apiKey, TMPDIR: scratch };
  }, 120_000);
  afterAll(() => stack?.close());

  test("print what the README shows, pasted one after the other into one shell", { timeout: 200_000 }, async () => {
    const ran = shell("api");
    expect(ran.length).toBeGreaterThan(8);
    compare(ran, await runBlocks(ran, env));
  });

  test("export and verify a chain of three pages as docs/audit.md shows it", { timeout: 60_000 }, async () => {
    const { apiKey, org } = (await stack?.seed("A long chain", begins)) ?? { apiKey: "", org: "" };
    const phones = Array.from({ length: 250 }, (_, n) => `+1212231${String(n).padStart(4, "0")}`);
    const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
    const body = JSON.stringify({ phones });
    expect((await fetch(`${env["DIALGATE"]}/v1/suppressions`, { method: "POST", headers, body })).status).toBe(201);
    const [block, shown] = blocksOf(readFileSync(join(root, "docs/audit.md"), "utf8")).filter(
      ({ kind }, at, all) => kind === "chain" || all[at - 1]?.kind === "chain",
    );
    if (block === undefined || shown === undefined) throw new Error("the page has no such commands");
    const [printed = ""] = await runBlocks([block], { ...env, KEY: apiKey, ORG: org });
    expect(printed).toMatch(/^whole: 25\d entries/);
    expect(comparable(printed)).toBe(comparable(shown.text));
    // A page that is refused leaves no head, and without one nothing is called whole.
    await expect(runBlocks([block], { ...env, KEY: "dg_test_wrong", ORG: org })).rejects.toThrow("--head");
  });

  test(
    "take the stack's operator into an organisation and out again as docs/operating.md shows",
    { timeout: 120_000 },
    async () => {
      if (stack === undefined) throw new Error("there is no stack");
      await stack.makeOperator("operator@example.com");
      const page = blocksOf(readFileSync(join(root, "docs/operating.md"), "utf8"));
      const ran = page.filter(({ language }) => language === "sh");
      expect(ran.map(({ kind }) => kind)).toEqual(["support", "support", "support"]);
      const printed = await runBlocks(ran, env);
      for (const [at, block] of ran.entries())
        expect(comparable(printed[at] ?? "")).toBe(comparable(page[page.indexOf(block) + 1]?.text ?? ""));
      // The demo, whose last lines the page names, makes the same one.
      expect(readFileSync(join(root, "dev/demo.ts"), "utf8")).toContain('"operator@example.com"');
    },
  );

  test("go on beside whoever is made an operator: nobody is one before, and nobody becomes one twice", async () => {
    const operators = async () => (await stack?.admin("select u.email from operators o join users u on u.id = o.user_id"))?.rows;
    await stack?.admin("insert into users (id, email, created_at) values (gen_random_uuid(), 'ada@example.com', now())");
    const before = (await operators()) ?? [];
    expect(before).not.toContainEqual({ email: "ada@example.com" });
    await stack?.makeOperator("ada@example.com");
    await stack?.makeOperator("ada@example.com");
    expect(await operators()).toEqual([...before, { email: "ada@example.com" }]);
  });
});

describe("every command of the README", () => {
  test("has a kind that is run or checked here", () => {
    const kinds = new Set(blocks.filter((block) => block.language !== "text").map((block) => `${block.language} ${block.kind}`));
    expect([...kinds].toSorted()).toEqual(["sh api", "sh cli", "sh database", "sh deploy", "sh lane"]);
  });

  test("that works offline prints what the README shows", { timeout: 200_000 }, async () => {
    const ran = shell("cli");
    compare(ran, await runBlocks(ran, { TMPDIR: scratch }));
  });

  /** Those that CI does not run, each with the reason that the table of commands gives. */
  const notRun: Readonly<Record<string, string>> = {
    "npm run demo": "its `--once` twin",
    "npm run format": "no, it rewrites files",
    "npm run bench": "`request` alone, in its smallest size",
    "npm run dialgate": "yes",
    "npm run test:full": "no: it takes longer than CI may",
  };
  const scripts: Readonly<Record<string, string>> = packageJson.scripts;

  test("of a lane is a script, and .ci/run runs it unless the table of commands says why not", () => {
    const listed = tableUnder(readme, "Commands").map(([command = "", , inCi = ""]) => ({
      command: command.replaceAll("`", ""),
      inCi,
    }));
    const named = [...listed.map(({ command }) => command), ...shell("lane").flatMap(commandsOf)];
    for (const command of named) {
      const script = /^npm (?:run )?([a-z:]+)/.exec(command)?.[1] ?? "";
      expect(scripts, command).toHaveProperty([script]);
      if (!new RegExp(`\\b${command.replaceAll(" ", "\\s+")}(?=[\\s)"]|$)`, "m").test(ci) || command in notRun)
        expect(listed.find((row) => row.command === command)?.inCi, command).toBe(notRun[command]);
    }
    const ours = Object.keys(scripts).filter((name) => !/^(pre|post)(?!pare)/.test(name) && name !== "prepare");
    expect(new Set(listed.map(({ command }) => /^npm (?:run )?([a-z:]+)/.exec(command)?.[1]))).toEqual(new Set(ours));
  });

  test("that deploys names what the worker and wrangler.toml know, and the upload is built without one", () => {
    const commands = shell("deploy").flatMap(commandsOf);
    const bound = (pattern: RegExp) => new Set([...wrangler.matchAll(pattern)].map((match) => match[1]));
    const of = (prefix: string) =>
      new Set(commands.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length).trim()));
    expect(of("npx wrangler queues create")).toEqual(bound(/(?:queue|dead_letter_queue) = "([^"]+)"/g));
    expect(of("npx wrangler r2 bucket create")).toEqual(bound(/bucket_name = "([^"]+)"/g));
    const [secrets = ""] = /# Secrets, by `wrangler secret put`: ([^.]+)\./.exec(wrangler)?.slice(1) ?? [];
    expect(of("npx wrangler secret put")).toEqual(new Set(secrets.split(", ")));
    const [deploy, ...more] = commands.filter((one) => !/ (queues|r2 bucket|secret) /.test(one));
    expect(more).toEqual([]);
    const [npx, ...args] = (deploy ?? "").split(" ");
    expect([npx, args[0], args[1]]).toEqual(["npx", "wrangler", "deploy"]);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, "node_modules/wrangler/bin/wrangler.js"), ...args.slice(1), "--dry-run", "--outdir", join(scratch, "upload")],
      {
        cwd: root,
        encoding: "utf8",
        timeout: 90_000,
        env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" },
      },
    );
    expect(status, stderr).toBe(0);
    const variables = ["PUBLIC_ORIGIN", "SIMULATOR_ORIGIN", "MAIL_FROM"];
    for (const name of [...variables, ...bound(/binding = "([^"]+)"/g), ...bound(/^name = "([A-Z_]+)"/gm)])
      expect(stdout).toContain(name);
  }, 120_000);
});

describe("the README's tables and links", () => {
  test("the demo's report shows the counts of the file that the demo imports", () => {
    if (process.env["UPDATE_README"]) return rewriteReport();
    const [report] = blocks.filter(({ kind }) => kind === "demo");
    const { rows, accepted, eligible, rejected, ineligible } = JSON.parse(
      readFileSync(join(root, "dev/data/leads.expected.json"), "utf8"),
    );
    const counts = { "rows in": rows, accepted, eligible, ...rejected, ...ineligible };
    for (const [name, count] of Object.entries(counts))
      expect(report?.text, name).toMatch(new RegExp(`^ *(rejected: )?${name} +${String(count)}\\b`, "m"));
  });

  test("the table of variables is what the worker reads, and what it demands", () => {
    const rows = tableUnder(readme, "Configuration");
    let complaint = "";
    try {
      parseEnv({});
    } catch (error) {
      complaint = (error as Error).message;
    }
    const demanded = [...complaint.matchAll(/(?:: |; )([A-Z_]+):/g)].map((match) => match[1]);
    const named = (required: string) =>
      rows.filter((row) => row[1] === required).flatMap((row) => row[0]?.replaceAll("`", "").split(", "));
    expect(named("yes").toSorted()).toEqual(demanded.toSorted());
    expect(named("no")).toEqual([
      "NEON_LOCAL_ENDPOINT",
      "MAGIC_LINK_TTL_MINUTES",
      "GITHUB_LEAK_KEYS",
      "RESEND_ORIGIN",
      "GOOGLE_CLIENT_ID",
      "GOOGLE_CLIENT_SECRET",
      "MICROSOFT_CLIENT_ID",
      "MICROSOFT_CLIENT_SECRET",
      "MICROSOFT_TENANT_DOMAINS",
      "OIDC_ORIGIN",
      "RATE_LIMIT_KEY_PER_MINUTE",
      "RATE_LIMIT_ADDRESS_PER_MINUTE",
    ]);
    expect(named("in production")).toEqual(["RESEND_API_KEY", "MAIL_FROM"]);
    const example = readFileSync(join(root, ".dev.vars.example"), "utf8");
    for (const [name, value] of [...example.matchAll(/^([A-Z_]+)=(.*)$/gm)].map((match) => [match[1], match[2]])) {
      expect(rows.flatMap((row) => row[0]?.split(", "))).toContain(`\`${name}\``);
      if (!["ENVIRONMENT", "PUBLIC_ORIGIN", "SIMULATOR_ORIGIN"].includes(name ?? "")) expect(value, name).toBe("");
    }
  });

  test("every file that a page names is there", () => {
    const pages = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/how-it-works.md", "docs/api.md", "docs/imports.md"];
    for (const page of [
      ...pages,
      "docs/gates.md",
      "docs/audit.md",
      "docs/tokens.md",
      "docs/rate-limits.md",
      "docs/operations.md",
      "docs/error-codes.md",
      "docs/members.md",
      "docs/operating.md",
      "docs/simulators.md",
      "docs/sign-in.md",
      "docs/second-factors.md",
    ]) {
      const text = readFileSync(join(root, page), "utf8");
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map((match) =>
        join(root, page, "..", match[1] ?? ""),
      );
      const named = [...text.matchAll(/`((?:src|test|dev|cli|bench|docs|migrations)\/[\w./-]+)`/g)].map((match) =>
        join(root, match[1] ?? ""),
      );
      for (const file of [...links, ...named]) expect(existsSync(file), `${page} names ${file}`).toBe(true);
    }
  });

  test("each error text of the troubleshooting table is one that the code says", () => {
    const texts = tableUnder(readme, "Troubleshooting").flatMap(([text = ""]) =>
      [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]?.replace(/:? ?…$/, "") ?? ""),
    );
    const code = ["src", "dev"]
      .flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => join(root, folder, file)),
      )
      .filter((file) => /\.(ts|mjs)$/.test(file))
      .map((file) => readFileSync(file, "utf8"))
      .join("\n");
    expect(texts.length).toBeGreaterThan(10);
    for (const text of texts) expect(code.includes(text), text).toBe(true);
  });
});
