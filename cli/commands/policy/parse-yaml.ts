import { parseYaml as parse } from '../../../shared/parse-yaml.ts'

/** Reads the YAML of a policy. The build makes a file of its own of this one, which only commands of policies load. */
export const parseYaml = (text: string): ReturnType<typeof parse> => parse(text, 'a policy')
