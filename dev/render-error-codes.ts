/** `node dev/render-error-codes.ts`: writes what stands in `errors[].code` into docs/error-codes.md. A test says when it is due. */
import { writeFileSync } from "node:fs";
import { type ProblemCode, problemTypes } from "../src/http/problem-types.ts";
import { refinements, refinementsOf } from "../src/http/refinements.ts";

export const errorCodesPage = new URL("../docs/error-codes.md", import.meta.url);

const intro = `# Error codes

A problem document has its own \`code\`, which [the conventions](api.md) list, and where that leaves open what is wrong, one in each entry of \`errors[]\`, beside the \`pointer\` to the field and the words of \`detail\`. A 409 says \`"code": "conflict"\`, for instance, and \`"errors": [{"pointer": "", "code": "last_owner", …}]\`. Both codes are the contract; more of the second kind may be added. Each table is that of one \`code\`; \`GET /errors/{type}\` answers it as \`codes\`.`;

export function renderErrorCodes(): string {
  const sections = (Object.keys(problemTypes) as ProblemCode[])
    .filter((code) => Object.hasOwn(refinements, code))
    .map((code) => {
      const rows = refinementsOf(code).map((one) => `| \`${one.code}\` | ${one.cause} |`);
      return [
        `## \`${code}\` (${problemTypes[code].status})`,
        "",
        "| `errors[].code` | what it says |",
        "|---|---|",
        ...rows,
      ].join("\n");
    });
  return `${[intro, ...sections].join("\n\n")}\n`;
}

if (import.meta.main) writeFileSync(errorCodesPage, renderErrorCodes());
