/**
 * @typedef {{ says: string, file: string, interruptsAfterMs?: number }} Line
 * @typedef {{ when: string } & Line} Answer
 * @typedef {{ id: string, title: string, about: string, lines: Line[], answers: Answer[], goodbye: Line }} Script
 */

/** How often one answer is given at most, so that a misunderstanding comes to an end. */
const repeatLimit = 2;

/** A recorded caller: says its lines in order, then answers what it is asked as long as it knows an answer, then says goodbye. */
export class RecordedCaller {
  #script;
  #next = 0;
  /** @type {Map<Answer, number>} */
  #given = new Map();
  #saidGoodbye = false;

  /** @param {Script} script */
  constructor(script) {
    this.#script = script;
  }

  /**
   * The next thing to say, or undefined when all is said.
   * @param {string} agentText what the agent said last
   * @returns {Line | undefined}
   */
  next(agentText) {
    const line = this.#script.lines[this.#next];
    if (line !== undefined) {
      this.#next += 1;
      return line;
    }
    const answer = this.#script.answers.find(
      (known) => new RegExp(known.when, "i").test(lastQuestion(agentText)) && (this.#given.get(known) ?? 0) < repeatLimit,
    );
    if (answer !== undefined) {
      this.#given.set(answer, (this.#given.get(answer) ?? 0) + 1);
      return answer;
    }
    if (this.#saidGoodbye) return undefined;
    this.#saidGoodbye = true;
    return this.#script.goodbye;
  }

  /** How long after the agent begins the coming line cuts in, ms; undefined when it waits for the agent's end. */
  get interruptsAfterMs() {
    return this.#script.lines[this.#next]?.interruptsAfterMs;
  }
}

/**
 * Only the last question counts: "Thank you, Susan. And a phone number, please?" asks for a number, not a name.
 * @param {string} text
 */
const lastQuestion = (text) => text.match(/[^.?!]*\?\s*$/)?.[0] ?? text;
