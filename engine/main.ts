// The engine as a process: takes its home, runs until it is told to end, and says in its log what kept it from that.

import { destination, pino } from 'pino';
import { errorText, isEngineError } from './base/errors.ts';
import { type Config, readConfig } from './config.ts';
import { type RunningEngine, startEngine } from './engine.ts';
import { AlreadyRunningError, holdInstance, type Instance } from './instance.ts';
import { random } from './stores.ts';

const EXIT_FAILED = 1;
const EXIT_ALREADY_RUNNING = 3;
const FATAL = 'the engine stops';

async function main(): Promise<void> {
  let config: Config;
  try {
    config = readConfig();
  } catch (error) {
    pino({ base: null }, destination({ sync: true })).fatal(errorText(error));
    process.exitCode = EXIT_FAILED;
    return;
  }
  const logger = pino({ level: config.logLevel, base: null }, destination({ sync: true }));
  let instance: Instance;
  try {
    instance = holdInstance(config.home, random);
  } catch (error) {
    logger.fatal(errorText(error));
    process.exitCode = error instanceof AlreadyRunningError ? EXIT_ALREADY_RUNNING : EXIT_FAILED;
    return;
  }
  let engine: RunningEngine | undefined;
  let isEnding = false;
  const shutDown = () => {
    if (isEnding) {
      return;
    }
    isEnding = true;
    const end = async () => {
      logger.info('the engine ends its work');
      await engine?.close();
      instance.release();
      logger.info('the engine has ended');
      process.exit();
    };
    end().catch((error: unknown) => {
      logger.fatal({ err: error }, errorText(error));
      process.exit(EXIT_FAILED);
    });
  };
  process.on('SIGTERM', shutDown);
  process.on('SIGINT', shutDown);
  try {
    engine = await startEngine(config, { instance, logger, shutDown });
  } catch (error) {
    logger.fatal(isEngineError(error) ? {} : { err: error }, errorText(error));
    instance.release();
    process.exit(EXIT_FAILED);
  }
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, `${FATAL}: ${errorText(error)}`);
    process.exit(EXIT_FAILED);
  });
}

await main();
