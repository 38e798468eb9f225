import type {Command} from 'commander';

/** Declares `affectflow models …`; what each does is in `models.ts`, loaded when it is called. */
export function declareModels(program: Command, exit: (code: number) => void): void {
  const models = program
    .command('models')
    .description('pretrained networks: what there is, where they come from, what they allow');
  const within = (name: string, description: string) =>
    models
      .command(name)
      .description(description)
      .option('--models <folder>', 'where models are kept (default: models in the workspace)')
      .option('--workspace <folder>', 'the workspace whose models are meant');

  within('list', 'every network this version knows, and whether it is there')
    .option('--urls', 'with addresses, sizes and digests', false)
    .action(async (options) => exit(await (await import('./models.js')).list(options)));
  models
    .command('licences')
    .description('what the licence of each allows')
    .action(async () => exit(await (await import('./models.js')).licences()));
  within('pull', 'download networks, resume what was cut, check size and SHA-256')
    .argument('<id...>', 'as `affectflow models list` shows them; buffalo_l stands for two')
    .option('--offline', 'fetch nothing: only check what is there, or take it --from somewhere', false)
    .option('--from <path>', 'a file, archive or folder that has them, instead of the network')
    .option('--proxy <url>', 'an HTTP proxy (default: HTTP_PROXY, HTTPS_PROXY, NO_PROXY)')
    .option('--json', 'print events as JSON lines', false)
    .action(async (ids: string[], options) => exit(await (await import('./models.js')).pull(ids, options)));
  within('verify', 'hash what is there again; exit code 1 where something is not what it should be')
    .argument('[id...]', 'only these')
    .action(async (ids: string[], options) => exit(await (await import('./models.js')).verify(ids, options)));
  within('add', 'take a network you exported yourself, after checking its inputs and outputs')
    .argument('<id>', 'the slot it is for')
    .argument('<file>', 'the ONNX file, or the folder with it and what belongs to it')
    .action(async (id: string, file: string, options) =>
      exit(await (await import('./models.js')).add(id, file, options)),
    );
  within('outputs', 'what can be taken out of a network: its outputs and the tensors inside it')
    .argument('<model>', 'an id, or the path of an ONNX file')
    .option('--all', 'also what is no float32, such as shapes and masks', false)
    .action(async (model: string, options) => exit(await (await import('./models.js')).outputs(model, options)));
  within('remove', 'delete networks')
    .argument('<id...>', 'which')
    .action(async (ids: string[], options) => exit(await (await import('./models.js')).remove(ids, options)));
}
