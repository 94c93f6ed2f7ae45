/** docs/tokens.md: its commands print what it shows, in workerd, and its numbers are the code's. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startStack, type Stack } from "../../dev/stack.ts";
import { keySetSeconds } from "../../src/domain/token-issuers/fetch-key-set.ts";
import type { Instant } from "../../src/lib/instant.ts";
import { type TokenAlg, tokenAlgs } from "../../src/lib/public-jwk.ts";
import { tokenLimits } from "../../src/lib/read-token.ts";
import { mintToken, signerOf, type TestIssuer } from "../support/tokens.ts";
import { blocksOf, comparable, tableUnder } from "./blocks.ts";
import { root, runBlocks } from "./run-blocks.ts";

const path = join(root, "docs/tokens.md");
const text = readFileSync(path, "utf8");
const blocks = blocksOf(text);
const scratch = mkdtempSync(join(tmpdir(), "dialgate-tokens-"));
let stack: Stack;
let key: string;
beforeAll(async () => {
  stack = await startStack();
  key = (await stack.seed("First calls", "2026-11-20T07:00:00Z" as Instant)).apiKey;
}, 120_000);
afterAll(async () => {
  await stack.close();
  rmSync(scratch, { recursive: true, force: true });
});

test("the commands print what the page shows", { timeout: 120_000 }, async () => {
  const ran = blocks.filter(({ language, kind }) => language === "sh" && kind === "api");
  expect(ran).toHaveLength(3);
  expect(blocks.filter(({ language }) => language !== "text")).toEqual(ran);
  const printed = await runBlocks(ran, { DIALGATE: stack.origin, KEY: key, TMPDIR: scratch });
  const shown = ran.map((block) => blocks[blocks.indexOf(block) + 1]?.text ?? "");
  if (process.env["UPDATE_README"]) {
    let page = text;
    for (const [at, block] of shown.entries())
      page = page.replace(`\`\`\`text\n${block}\n`, () => `\`\`\`text\n${printed[at]}\n`);
    writeFileSync(path, page);
    return;
  }
  for (const [at, block] of shown.entries()) expect(comparable(printed[at] ?? "")).toBe(comparable(block));
});

describe("the worker's own WebCrypto", () => {
  test.each(tokenAlgs)("lets in a token of %s, and not one that another signed", async (alg: TokenAlg) => {
    const signer = signerOf(alg);
    const source = signer.secret === null ? { public_key: signer.jwk } : { secret: signer.secret };
    const body = { name: alg, issuer: "https://crm.acme-solar.com", alg, scopes: ["sellers:read"], ...source };
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const made = await fetch(`${stack.origin}/v1/token_issuers`, { method: "POST", headers, body: JSON.stringify(body) });
    const { id, audience, issuer } = (await made.json()) as TestIssuer;
    const own: TestIssuer = { id, audience, issuer, subject: "lead-sync", signer, keyId: null };
    const ask = async (of: TestIssuer): Promise<number> => {
      const authorization = `Bearer ${mintToken(of, Math.floor(Date.now() / 1000))}`;
      return (await fetch(`${stack.origin}/v1/sellers`, { headers: { authorization } })).status;
    };
    expect([await ask(own), await ask(own), await ask({ ...own, signer: signerOf(alg) }), await ask(own)]).toEqual([200, 200, 401, 200]); // prettier-ignore
  });
});

test("the times and sizes are those of the code", () => {
  const [life, skew, , , fresh, retry, stale] = tableUnder(text, "What is refused, and when").map(([, said = ""]) => said);
  expect(life).toBe(`${tokenLimits.lifeSecondsMax / 3_600} hours at most`);
  expect([skew, fresh, retry, stale]).toEqual(
    [tokenLimits.skewSeconds, keySetSeconds.fresh, keySetSeconds.retry, keySetSeconds.stale].map(
      (seconds) => `${seconds} seconds`,
    ),
  );
  expect(text).toContain(`more than ${tokenLimits.bytesMax.toLocaleString("en-US")} bytes`);
  expect(text).toContain(`1 to ${tokenLimits.subjectCharactersMax} characters`);
  for (const alg of tokenAlgs) expect(text).toContain(`\`${alg}\``);
});
