/** Why the rules are not as they were asked to be; a value, not thrown. */
export class InitFailure {
  /** One or more plain sentences for the user. */
  readonly sentence: string;
  /** True when the tables are neither as before nor as asked: the sentence says what is where. */
  readonly halfway: boolean;

  constructor(sentence: string, halfway = false) {
    this.sentence = sentence;
    this.halfway = halfway;
  }
}
