/** The command line. Every command is a file beside this one, loaded when it is called. */
import {Command, CommanderError} from 'commander';
import {UsageError} from '../errors.js';
import {isOperating} from '../failure.js';
import {packageVersion} from '../package-root.js';
import {declareModels} from './models-command.js';
import {positiveInteger, withCommonOptions, withRunOptions} from './options.js';

const EXPERIMENT = 'YAML file of the experiment';

// ONNX Runtime 1.29 and later would tell Microsoft about sessions and models, and leave files in the folders for
// temporary files and of the user. Workers inherit it; who sets it to 0 is obeyed.
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';

const program = new Command('affectflow')
  .description(
    'From videos with valence/arousal annotations to CCC tables.\n\n' +
      'Every stage keeps its results by a fingerprint of everything that decides them, so a run computes\n' +
      'only what is new. Try `affectflow demo`.',
  )
  .version(packageVersion())
  .showHelpAfterError('Run the command with --help to see what it takes.')
  .exitOverride();

withRunOptions(
  program
    .command('run')
    .description('run an experiment: reuse what exists, compute the rest')
    .argument('<experiment>', EXPERIMENT),
)
  .option('--from <stage>', 'run this stage and all below it, whatever is cached')
  .addHelpText(
    'after',
    '\nExamples:\n  affectflow run rcma.yaml\n  affectflow run rcma.yaml --set fusion-training.learningRate=1e-5 --folds 0\n\nExit codes: 0 all good, 1 some task failed, 2 usage, 130 interrupted.',
  )
  .action(async (file: string, options) => exit(await (await import('./run.js')).run(file, options)));

withRunOptions(
  program
    .command('rerun')
    .description('run a stage and all below it again, whatever is cached')
    .argument('<experiment>', EXPERIMENT),
)
  .requiredOption('--from <stage>', 'the first stage to run again')
  .action(async (file: string, options) => exit(await (await import('./run.js')).run(file, options)));

withCommonOptions(
  program
    .command('plan')
    .description('show what a run would do, without doing it')
    .argument('<experiment>', EXPERIMENT),
)
  .option('--why', 'name every task that would run, and because of what', false)
  .option('--from <stage>', 'as if run with --from')
  .option('--json', 'print JSON', false)
  .action(async (file: string, options) => exit(await (await import('./plan.js')).plan(file, options)));

withRunOptions(
  program
    .command('sweep')
    .description('run an experiment at every point of a grid of training parameters')
    .argument('<experiment>', EXPERIMENT),
)
  .requiredOption(
    '--grid <path=values>',
    'such as fusion-training.learningRate=1e-4,5e-4 (repeatable)',
    (value: string, before: string[] = []) => [...before, value],
  )
  .addHelpText(
    'after',
    '\nExample:\n  affectflow sweep jmt.yaml --grid fusion-training.learningRate=1e-4,5e-4 --grid fusion-training.batchSize=2,12',
  )
  .action(async (file: string, options) => exit(await (await import('./sweep.js')).sweep(file, options)));

withCommonOptions(
  program
    .command('report')
    .description('CCC tables of an experiment that was run')
    .argument('<experiment>', EXPERIMENT),
)
  .option('--format <format>', 'text, md, csv, csv-wide or latex', 'text')
  .option('--sections <names>', 'only these sections, such as folds,provenance', (value) => value.split(','))
  .option('--output <file>', 'write to a file instead of the screen')
  .action(async (file: string, options) => exit(await (await import('./report.js')).report(file, options)));

withCommonOptions(
  program
    .command('predict')
    .description('predict clips by the models of the best folds of a system, averaged; extracts their features first')
    .argument('<experiment>', EXPERIMENT),
)
  .requiredOption('--system <label>', 'system of the experiment')
  .option('--clips <glob>', 'clips to predict (default: those of dataset.test)')
  .option('--best <count>', 'how many folds take part, best by validation CCC', positiveInteger, 1)
  .option('--output <folder>', 'where one text file per clip is written', 'predictions')
  .option('--submission <file>', 'also write all predictions as one file in the form of the ABAW challenges')
  .option('--sample <file>', "the challenge's sample submission: exactly its rows are written")
  .action(async (file: string, options) => exit(await (await import('./predict.js')).predict(file, options)));

withCommonOptions(
  program
    .command('export')
    .description('write a trained system as an ONNX file that any runtime runs, and its weights as safetensors')
    .argument('<experiment>', EXPERIMENT),
)
  .requiredOption('--system <label>', 'system of the experiment')
  .option('--fold <name>', 'which fold (default: the best by validation CCC)')
  .option('--seed <seed>', 'which seed (default: the first)', Number)
  .option('--onnx <file>', 'where the ONNX file is written')
  .option('--safetensors <file>', 'where the weights are written')
  .option('--windows <count>', 'windows that one run of the ONNX file takes', positiveInteger, 1)
  .addHelpText('after', '\nExample:\n  affectflow export rcma.yaml --system rcma --fold 0 --onnx rcma.onnx')
  .action(async (file: string, options) => exit(await (await import('./export.js')).exportCommand(file, options)));

const lineage = program.command('lineage').description('inspect where results came from');
const workspaceOption = ['--workspace <folder>', 'the workspace to look into'] as const;
lineage
  .command('runs')
  .description('the runs of this workspace, newest first')
  .option('--limit <count>', 'how many', '20')
  .option(...workspaceOption)
  .action(async (options) => exit(await (await import('./lineage.js')).runs(options)));
for (const [name, description] of [
  ['show', 'one run, task or shard, by any unique prefix of its identifier'],
  ['upstream', 'everything a task or shard was made from, down to the published files'],
  ['downstream', 'everything that was made from a file, task or shard'],
  ['why', 'why a task ran, and what enters its fingerprint'],
] as const) {
  lineage
    .command(name)
    .description(description)
    .argument('<id>', 'prefix of a fingerprint or digest, a run number, or the path of a published file')
    .option(...workspaceOption)
    .action(async (id: string, options) => exit(await (await import('./lineage.js'))[name](id, options)));
}
lineage
  .command('rebuild')
  .description('make the lineage database again from the manifests of the tasks')
  .option(...workspaceOption)
  .action(async (options) => exit(await (await import('./lineage.js')).rebuild(options)));

program
  .command('verify')
  .description('check every shard against its digest; damaged ones are set aside and made again by the next run')
  .option(...workspaceOption)
  .action(async (options) => exit(await (await import('./verify.js')).verify(options)));

program
  .command('stages')
  .description('the stages, or the parameters of one, with their defaults')
  .argument('[name]', 'a stage, or a system of fusion-training')
  .action(async (name: string | undefined) => exit((await import('./stages.js')).stages(name)));

program
  .command('doctor')
  .description('what this machine can do, and what to install for the rest')
  .action(async () => exit(await (await import('./doctor.js')).doctor()));

program
  .command('build-tfjs-node')
  .description('build the native part of @tensorflow/tfjs-node against the TensorFlow that Python has')
  .option('--gpu', 'of @tensorflow/tfjs-node-gpu', false)
  .option('--python <path>', 'the Python whose TensorFlow is used', 'python3')
  .option('--dry-run', 'only say what would be done', false)
  .addHelpText(
    'after',
    '\nCompiles two files of the npm package with g++ and puts the addon where the package looks for it.\n' +
      'Downloads nothing and changes nothing else.',
  )
  .action(async (options) => exit(await (await import('./build-tfjs-node.js')).buildTfjsNode(options)));

declareModels(program, exit);

withRunOptions(
  program
    .command('demo')
    .description('make a small data set of drawn faces and synthetic speech, and run an experiment on it'),
)
  .option(
    '--folder <folder>',
    'where data set and experiment are written (default: affectflow-demo, or affectflow-demo-weak)',
  )
  .option('--seed <seed>', 'seed of the data set', '1')
  .option(
    '--experiment <name>',
    'demo; all-systems: every system, single modality and robustness; or gating: GRJCA with and without gates',
    'demo',
  )
  .option('--weakly-complementary', 'let the voice contradict the face in two of five clips', false)
  .action(async (options) => exit(await (await import('./demo.js')).demo(options)));

try {
  await program.parseAsync();
} catch (error) {
  exit(explain(error));
}
// Nothing is left to do. Ending here keeps the teardown of native packages out of the exit code.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));

/** Sets the exit code of the process. */
function exit(code: number): void {
  process.exitCode = code;
}

function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError || isOperating(error)) {
    process.stderr.write(`affectflow: ${error.message}\n  ${error.remedy}\n`);
    return 2;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`affectflow: this is a defect of Affectflow. Please report it with these lines:\n${text}\n`);
  return 1;
}
