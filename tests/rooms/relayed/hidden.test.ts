/** What clients meet is the same behind a relay. */
import { relayAll } from '../harness.ts';

relayAll();
await import('../hidden.test.ts');
