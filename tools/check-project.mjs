// Types and lint of one compile setting, over one program: what the compiler has found out about a type, the linter does not again.
import { ESLint } from 'eslint'
import ts from 'typescript'

const [project] = process.argv.slice(2)
const libProject = 'tsconfig.lib.json'

const format = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => process.cwd(), getNewLine: () => '\n' }
const refuse = (diagnostic) => { throw new Error(ts.formatDiagnostic(diagnostic, format)) }
const settingsOf = (file) => ts.getParsedCommandLineOfConfigFile(file, {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: refuse })

const settings = settingsOf(project)
const program = ts.createProgram(settings.fileNames, settings.options)
// Files of the other setting that are imported here are checked there.
const diagnostics = [...settings.errors, ...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics(),
  ...settings.fileNames.flatMap((name) => {
    const file = program.getSourceFile(name)
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
  })]
process.stdout.write(ts.formatDiagnosticsWithColorAndContext(diagnostics, format))

// What no setting lists is left to the hosts, whose program does not hold it: that is an error, not a file nobody looks at.
const ofLib = project === libProject ? [] : settingsOf(libProject).raw.include
const eslint = new ESLint({ overrideConfig: { languageOptions: { parserOptions: { programs: [program] } } }, ignorePatterns: ofLib })
const results = await eslint.lintFiles(project === libProject ? settings.fileNames : ['.'])
process.stdout.write(await (await eslint.loadFormatter('stylish')).format(results))

if (diagnostics.length > 0 || results.some(({ errorCount, warningCount }) => errorCount + warningCount > 0)) process.exitCode = 1
