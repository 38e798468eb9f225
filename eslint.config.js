import tseslint from 'typescript-eslint';

export default tseslint.config(
  {ignores: ['dist/**', 'dist.*/**', 'node_modules/**', '.affectflow/**', 'affectflow-demo/**', 'test/fixtures/**']},
  ...tseslint.configs.strict,
  {
    rules: {
      'no-console': 'error',
      'max-lines': ['warn', {max: 400, skipBlankLines: true, skipComments: true}],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
);
