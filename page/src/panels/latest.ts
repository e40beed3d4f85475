/** Requests of which only the last one counts. */

/**
 * Ask for what was wanted last. While the person keeps on writing, nothing is sent for `pause` milliseconds; a request
 * that another one has overtaken is cancelled, and its reply is dropped if it comes all the same.
 */
export class Latest<Reply> {
  private timer = 0;
  private running: AbortController | null = null;
  private turn = 0;

  constructor(
    private readonly pause: number,
    private readonly show: (reply: Reply) => void,
    private readonly fail: (error: unknown) => void,
  ) {}

  /** Replace whatever is waiting or under way by this request. */
  ask(send: (signal: AbortSignal) => Promise<Reply>): void {
    this.cancel();
    const turn = ++this.turn;
    this.timer = window.setTimeout(() => void this.send(turn, send), this.pause);
  }

  /** Forget what is waiting or under way. */
  cancel(): void {
    window.clearTimeout(this.timer);
    this.running?.abort();
    this.running = null;
    this.turn += 1;
  }

  private async send(turn: number, send: (signal: AbortSignal) => Promise<Reply>): Promise<void> {
    const running = new AbortController();
    this.running = running;
    try {
      const reply = await send(running.signal);
      if (turn === this.turn) this.show(reply);
    } catch (error) {
      if (turn === this.turn) this.fail(error);
    } finally {
      if (this.running === running) this.running = null;
    }
  }
}
