import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const script = fileURLToPath(new URL("../../dev/ensure-installed.mjs", import.meta.url));
const lock = {
  "": {},
  "node_modules/node": { version: "24.21.0" },
  "node_modules/hono": { version: "4.0.0" },
  "node_modules/other-platform": { version: "1.0.0", optional: true },
};

/** Stands for npm: `npm ci` writes what the lock file names, and the `node` package's script brings a binary. */
const npm = `
const { mkdirSync, writeFileSync, appendFileSync, rmSync } = require("node:fs");
appendFileSync("npm.log", process.argv.slice(2).join(" ") + "\\n");
rmSync("node_modules", { recursive: true, force: true });
const lock = ${JSON.stringify(lock)};
for (const name of ["node", "hono"]) {
  mkdirSync("node_modules/" + name, { recursive: true });
  writeFileSync("node_modules/" + name + "/package.json", "{}");
}
mkdirSync("node_modules/.bin", { recursive: true });
writeFileSync("node_modules/node/installArchSpecificPackage.js", ${JSON.stringify(
  `const fs = require("node:fs"); fs.writeFileSync("bin/node", "#!/bin/sh\\necho v24.21.0\\n", { mode: 0o755 });`,
)});
writeFileSync("node_modules/.package-lock.json", JSON.stringify({ packages: lock }));
`;

let root: string;
beforeEach(async () => {
  root = join(await mkdtemp(join(tmpdir(), "dialgate-installed-")), "a folder with spaces");
  await mkdir(join(root, "dev"), { recursive: true });
  await cp(script, join(root, "dev", "ensure-installed.mjs"));
  await writeFile(join(root, "package-lock.json"), JSON.stringify({ packages: lock }));
  await writeFile(join(root, "npm.js"), npm);
});
afterEach(() => rm(join(root, ".."), { recursive: true, force: true }));

function ensure(): { status: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "dev", "ensure-installed.mjs")], {
    env: { ...process.env, npm_execpath: join(root, "npm.js") },
    encoding: "utf8",
    timeout: 30_000,
  });
  return { status, out: stdout + stderr };
}
const npmRuns = async (): Promise<string[]> =>
  (await readFile(join(root, "npm.log"), "utf8").catch(() => "")).trim().split("\n").filter(Boolean);

test("a bare folder is installed from the lock file, says so, and gets its own Node although install scripts did not run", async () => {
  const { status, out } = ensure();
  expect({ status, out }).toMatchObject({ status: 0, out: expect.stringContaining("running npm ci") as string });
  expect(out).toContain("running the install script of the package node");
  expect(await npmRuns()).toEqual(["ci --no-audit --no-fund --loglevel=error"]);
});

test("what is installed already is left alone, in silence", async () => {
  ensure();
  expect(ensure()).toEqual({ status: 0, out: "" });
  expect(await npmRuns()).toHaveLength(1);
});

test("a package of another version, an emptied one and a broken install are installed again", async () => {
  ensure();
  await writeFile(
    join(root, "package-lock.json"),
    JSON.stringify({ packages: { ...lock, "node_modules/hono": { version: "4.0.1" } } }),
  );
  expect(ensure()).toMatchObject({
    status: 1,
    out: expect.stringContaining("node_modules/hono is not installed at 4.0.1") as string,
  });
  await writeFile(join(root, "package-lock.json"), JSON.stringify({ packages: lock }));
  await rm(join(root, "node_modules", "hono"), { recursive: true });
  expect(ensure().status).toBe(0);
  await rm(join(root, "node_modules", ".package-lock.json"));
  expect(ensure().status).toBe(0);
  expect(await npmRuns()).toHaveLength(4);
});

test("a Node that is not the lock file's is named instead of being run on", async () => {
  ensure();
  await writeFile(join(root, "node_modules", "node", "installArchSpecificPackage.js"), "");
  await rm(join(root, "node_modules", "node", "bin", "node"));
  const { status, out } = ensure();
  expect(status).toBe(1);
  expect(out).toContain("node_modules/.bin/node is missing instead of v24.21.0");
});
