import { expect, test } from "vitest";
import { type IdKind, idPrefixes, publicId, uuidOf } from "../../src/lib/ids.ts";
import { newId } from "../support/world.ts";

const kinds = Object.keys(idPrefixes) as IdKind[];
const letters = "0123456789abcdefghjkmnpqrstvwxyz";

test("a row has one id: whatever decodes to the same uuid and is written otherwise names nothing", () => {
  for (const kind of kinds) {
    const uuid = newId();
    const id = publicId(kind, uuid);
    expect(uuidOf(kind, id)).toBe(uuid);
    const [prefix = "", suffix = ""] = id.split("_");
    const aliases = [
      // Two bits of the first letter are none of the uuid's.
      ...[8, 16, 24].map((more) => `${prefix}_${letters[letters.indexOf(suffix[0] ?? "") + more]}${suffix.slice(1)}`),
      id.toUpperCase(),
      `${prefix}_${suffix.toUpperCase()}`,
      `${prefix}_${suffix.replaceAll("0", "o").replaceAll("1", "i")}`,
      ` ${id}`,
      `${id} `,
      `${id}0`,
      id.slice(0, -1),
      `${prefix}_${uuid}`,
      `${prefix}_`,
      suffix,
      uuid,
      "",
    ].filter((alias) => alias !== id);
    for (const alias of aliases) expect(uuidOf(kind, alias), alias).toBeNull();
    for (const other of kinds) if (other !== kind) expect(uuidOf(other, id), other).toBeNull();
  }
});
