internal import CommandLine
internal import Settings

func runDoctor(_ parsed: Parsed, _ variables: Variables, _ output: Output) -> Int32 { 0 }
func runInspect(_ parsed: Parsed, _ output: Output) -> Int32 { 0 }
func runSIF(_ parsed: Parsed, _ output: Output) -> Int32 { 0 }
