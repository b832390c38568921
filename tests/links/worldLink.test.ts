import { PipeHub } from '../../server/links/pipe.ts';
import { linkWorld } from '../../server/links/threadLink.ts';
import { describeWorldLink } from './contract.ts';
import { FakeThread, hubOf, pipedLink } from './ends.ts';

describeWorldLink('a thread', {
  async make(world, answerMs) {
    const thread = new FakeThread(world);
    const link = await linkWorld(thread, { answerMs });
    const die = async (): Promise<void> => void thread.emit('exit', 1);
    return { link, die, close: die };
  },
});

describeWorldLink('a pipe', {
  async make(world, answerMs) {
    const transport = new PipeHub();
    const { close } = hubOf(world, transport);
    const link = await pipedLink(transport, 'r1', answerMs);
    return {
      link,
      die: close,
      async close() {
        await link.stop();
        await close();
      },
    };
  },
});
