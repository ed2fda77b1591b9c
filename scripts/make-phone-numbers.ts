// Makes fixtures/phone-numbers: twenty phone numbers spoken by two synthetic voices of Festival that are not our own.
// Needs Debian's festival, festvox-us-slt-hts, festvox-kallpc16k and sox. node scripts/make-phone-numbers.ts
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { seededRandom } from "../src/kernel/random.ts";

const folder = fileURLToPath(new URL("../fixtures/phone-numbers/", import.meta.url));
const words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"] as const;
const voices = [
  { name: "slt", festival: "voice_cmu_us_slt_arctic_hts" },
  { name: "kal", festival: "voice_kal_diphone" },
] as const;
const random = seededRandom(20);

mkdirSync(folder, { recursive: true });
const rows = ["file\tdigits\tspoken\tvoice"];
for (let count = 0; count < 20; count += 1) {
  const voice = voices[count % 2 === 0 ? 0 : 1];
  const digits = Array.from({ length: 10 }, () => Math.floor(random.next() * 10));
  const said = digits.map((digit) => (digit === 0 && count % 3 === 0 ? "oh" : (words[digit] ?? "")));
  const spoken = `My phone number is ${said.slice(0, 3).join(" ")}, ${said.slice(3, 6).join(" ")}, ${said.slice(6).join(" ")}.`;
  const file = `synthetic-${voice.name}-${String(count + 1).padStart(2, "0")}.wav`;
  const raw = `${folder}raw.wav`;
  execFileSync("text2wave", ["-eval", `(${voice.festival})`, "-o", raw], { input: spoken, stdio: ["pipe", "ignore", "ignore"] });
  execFileSync("sox", [raw, "-r", "16000", "-c", "1", "-b", "16", `${folder}${file}`]);
  rmSync(raw);
  rows.push(`${file}\t${digits.join("")}\t${spoken}\t${voice.name}`);
}
writeFileSync(`${folder}numbers.tsv`, `${rows.join("\n")}\n`);
