internal import Engine
internal import Glibc
internal import Linux
internal import Model
internal import StepJoin
internal import StepOptions

/// The end of `apus slurm-helper start`: the tasks are let in.
extension StepStart {
  /// For a container that was made.
  func answer(
    _ settled: borrowing Settled, _ environment: [String], _ changes: [EnvironmentChange], folder: Int32?,
    save: ContainerSave?, nowhere: Int32
  ) throws(StepFailure) -> Int32 {
    let records = changes.map { (change) -> StepRecord in
      switch change {
      case .set(let name, let value): .set(name: name, value: value)
      case .unset(let name): .unset(name: name)
      }
    }
    let text = StepRecord.text(
      directory: settled.directory, changes: records + ranks(environment))
    let container = settled.container
    do throws(SystemCallFault) {
      return try serve(
        StepAnswer(namespaces: container.namespaces, records: text), nowhere: nowhere,
        staysToTheEnd: folder != nil || save != nil, ended: { save?.run(container) },
        started: { pid throws(SystemCallFault) in
          guard let folder else { return }
          try NamedContainer.setRunning(
            in: folder, pid: pid, processes: settled.processes.number, records: text)
        })
    } catch { throw StepFailure(error) }
  }

  /// PyTorch's launcher reads a task's place from names of its own; users of Pyxis expect images of it to have them.
  private func ranks(_ environment: [String]) -> [StepRecord] {
    guard environment.contains(where: { $0.starts(withBytesOf: "PYTORCH_VERSION=") }) else { return [] }
    return [.copy(name: "RANK", from: "SLURM_PROCID"), .copy(name: "LOCAL_RANK", from: "SLURM_LOCALID")]
  }

  /// For a container in which another step runs.
  func answer(_ running: RunningContainer, nowhere: Int32) throws(StepFailure) -> Int32 {
    do throws(SystemCallFault) {
      return try serve(
        StepAnswer(namespaces: running.container.namespaces, file: running.records), nowhere: nowhere,
        staysToTheEnd: false, ended: {}, started: { _ in })
    } catch { throw StepFailure(error) }
  }

  /// Hands the tasks over to an orphan, and is done.
  private func serve(
    _ answer: StepAnswer, nowhere: Int32, staysToTheEnd: Bool,
    ended: () -> Void, started: (_ pid: Int32) throws(SystemCallFault) -> Void
  ) throws(SystemCallFault) -> Int32 {
    let page = StepPage(number: words.page)
    let child = try Process.fork()
    guard child == 0 else {
      try started(child)
      // Before this process ends: whoever sees the helper end finds the answerer in it.
      try page.announceAnswerer(child)
      return 0
    }
    // Holding a task's streams would keep the step from ending.
    for number in 0...2 as ClosedRange<Int32> { dup2(nowhere, number) }
    _ = setsid()
    Process.setName("apus-answerer")
    Process.setTitle("apus: tasks of a step")
    Process.resetInheritedState()
    var answerer = Answerer(socket: words.socket, tasks: words.tasks)
    if answerer.serve(answer, staysToTheEnd: staysToTheEnd) == .stepEnded, answerer.letAllIn {
      ended()
      answerer.tellDone()
    }
    _exit(0)
  }
}

extension StandingContainer {
  /// In the order of `StepAnswer`.
  fileprivate var namespaces: [Int32?] { [outer, mount, inner, ipc, uts, network] }
}
