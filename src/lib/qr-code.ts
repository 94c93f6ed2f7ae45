import { generate } from "lean-qr";

/** The QR code of a text (ISO/IEC 18004) by its rows: `1` is dark. The light margin around it is whoever's who draws it. */
export const qrRows = (text: string): readonly string[] =>
  generate(text).toString({ on: "1", off: "0", lf: "\n", pad: 0 }).trimEnd().split("\n");
