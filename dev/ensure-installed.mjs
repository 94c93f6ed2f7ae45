/**
 * Makes `npm test` and `npm run demo` work on a bare checkout. Plain JavaScript that imports nothing installed, because
 * it runs before anything is, on whatever Node (20 or newer) the machine has.
 */
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const windows = process.platform === "win32";
const installMinutesMax = 15;

ensureInstalled();

function ensureInstalled() {
  const missing = whatIsMissing();
  if (missing !== undefined) {
    say(`${missing}: running npm ci`);
    // Node 20's npm warns of each package that wants a newer one (EBADENGINE). They run on the Node 24 that is installed here.
    npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"], root);
    const still = whatIsMissing();
    if (still !== undefined) fail(`npm ci ended well, and still ${still}`);
  }
  ensureNode();
}

/** What package-lock.json names and node_modules does not hold, or undefined. */
function whatIsMissing() {
  const wanted = packagesOf(join(root, "package-lock.json"));
  if (wanted === undefined) fail("package-lock.json is missing or is not JSON");
  const present = packagesOf(join(root, "node_modules", ".package-lock.json"));
  if (present === undefined) return "node_modules is missing or incomplete";
  for (const [path, { version, optional, link }] of Object.entries(wanted)) {
    // Optional ones are other platforms' binaries.
    if (path === "" || optional || link) continue;
    if (present[path]?.version !== version) return `${path} is not installed at ${version}`;
    if (!existsSync(join(root, path, "package.json"))) return `${path} is empty`;
  }
  return undefined;
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/**
 * The `node` package brings Node 24 in its install script. With install scripts off it stays empty and everything after
 * this would run, silently, on the machine's own Node.
 */
function ensureNode() {
  const wanted = packagesOf(join(root, "package-lock.json"))["node_modules/node"].version;
  const own = join(root, "node_modules", ".bin", windows ? "node.cmd" : "node");
  if (versionOf(own) === `v${wanted}`) return;
  const folder = join(root, "node_modules", "node");
  say(`node_modules/.bin/node is not ${wanted}: running the install script of the package node`);
  mkdirSync(join(folder, "bin"), { recursive: true });
  run(process.execPath, ["installArchSpecificPackage.js"], folder, { npm_config_ignore_scripts: "true" });
  if (!windows && lstatSync(own, { throwIfNoEntry: false }) === undefined) symlinkSync(join("..", "node", "bin", "node"), own);
  const got = versionOf(own);
  if (got !== `v${wanted}`)
    fail(`node_modules/.bin/node is ${got ?? "missing"} instead of v${wanted}; is the package registry reachable?`);
}

function versionOf(binary) {
  if (!existsSync(binary)) return undefined;
  const { status, stdout } = spawnSync(windows ? `"${binary}"` : binary, ["-v"], {
    encoding: "utf8",
    shell: windows,
    timeout: 30_000,
  });
  return status === 0 ? stdout.trim() : undefined;
}

/** The npm that runs this script when there is one, else the one on PATH. */
function npm(args, folder) {
  const self = process.env.npm_execpath;
  if (self?.endsWith(".js")) run(process.execPath, [self, ...args], folder);
  else run(windows ? "npm.cmd" : "npm", args, folder, {}, windows);
}

function run(command, args, folder, env = {}, shell = false) {
  const { status, error, signal } = spawnSync(command, args, {
    cwd: folder,
    stdio: "inherit",
    shell,
    env: { ...process.env, ...env },
    timeout: installMinutesMax * 60_000,
  });
  if (status !== 0) fail(`${command} ${args.join(" ")} ended with ${error?.message ?? signal ?? status}`);
}

function say(text) {
  console.log(`[dialgate] ${text}`);
}

function fail(text) {
  console.error(`[dialgate] ${text}`);
  process.exit(1);
}
