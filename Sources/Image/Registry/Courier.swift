internal import HTTP

/// Carries requests to their end: waits where a host asks for it, tries again, follows redirects. Knows no credentials.
struct Courier: Sendable {
  let options: RegistryOptions
  let notes: RegistryNotes
  /// From https to http, too.
  let allowsDowngrade: Bool

  /// How a request is treated on its way.
  struct Care {
    /// What it is for, in messages.
    let purpose: RegistryRequest
    /// It may be sent again as it is.
    var isRepeatable = true
    /// Nobody knows yet whether there is TLS: its lack is reported at once.
    var isProbe = false
    /// Why no redirect may lead to that address; nil where it may.
    var objection: (WebAddress) -> String? = { _ in nil }
    /// Told the bytes of a file's body sent so far.
    var sent: ((Int) -> Void)?
  }

  /// Sends it, again where the policy says so, and returns the answer whatever its status.
  func send(
    _ request: HTTPRequest, _ care: Care, through client: HTTPClient, _ budget: inout RetryBudget
  ) throws(RegistryFault) -> HTTPExchange {
    let host = request.address.authority
    while true {
      try wait(seconds: options.pauses.rest(host, now: options.timing.monotonic()))
      let exchange: HTTPExchange
      do throws(HTTPFault) { exchange = try client.send(request, sent: care.sent) } catch {
        guard error != .cancelled else { throw .cancelled }
        let fault = RegistryFault.transport(care.purpose, error)
        guard care.isRepeatable, !(care.isProbe && error.isLackOfTLS) else { throw fault }
        try wait(
          options.policy.decide(attempt: budget.fail(), fault: error, random: options.timing.random()),
          orThrow: fault)
        continue
      }
      notes.note(exchange.headers)
      guard RetryPolicy.statuses.contains(exchange.status),
        try isWorthAnotherTry(exchange, care, &budget)
      else { return exchange }
      exchange.discard()
    }
  }

  /// Waits as long as a decision says; a decision to give up throws.
  func wait(_ decision: RetryPolicy.Decision, orThrow fault: RegistryFault) throws(RegistryFault) {
    guard case .wait(let seconds, _) = decision else { throw fault }
    try wait(seconds: seconds)
  }

  /// Decides on an answer that may pass by itself, and waits. False: the answer counts.
  private func isWorthAnotherTry(
    _ exchange: HTTPExchange, _ care: Care, _ budget: inout RetryBudget
  ) throws(RegistryFault) -> Bool {
    let timing = options.timing
    let now = timing.wall()
    let decision = options.policy.decide(
      attempt: budget.fail(), status: exchange.status, retryAfter: exchange.headers["retry-after"], now: now,
      random: timing.random())
    switch decision {
    case .giveUp: return false
    case .tooLong(let seconds):
      // A date beyond a year is no date for people.
      let until = seconds > 366 * 86400 ? "a day in more than a year" : HTTPDate.text(now + seconds)
      throw .tooLong(care.purpose, status: exchange.status, seconds: seconds, until: until)
    case .wait(let seconds, host: false) where care.isRepeatable:
      try wait(seconds: seconds)
      return true
    case .wait(let seconds, _):
      // The next request there waits, be it this one or the one that takes its place.
      options.pauses.pause(exchange.request.address.authority, until: timing.monotonic() + seconds)
      return care.isRepeatable
    }
  }

  /// In pieces of half a second, so that an end is noticed.
  private func wait(seconds: Double) throws(RegistryFault) {
    var rest = seconds
    while rest > 0 {
      if options.isCancelled() { throw .cancelled }
      options.timing.sleep(min(rest, 0.5))
      rest -= 0.5
    }
  }
}

extension Courier {
  /// Sends it and follows redirects. `isElsewhere`: the answer comes from a place that was not sent our credentials.
  func follow(
    _ request: HTTPRequest, _ care: Care, through client: HTTPClient, _ budget: inout RetryBudget
  ) throws(RegistryFault) -> (exchange: HTTPExchange, isElsewhere: Bool) {
    let policy = RedirectPolicy(allowsDowngrade: allowsDowngrade)
    var request = request
    var isElsewhere = false
    var followed = 0
    while true {
      let exchange = try send(request, care, through: client, &budget)
      guard RedirectPolicy.statuses.contains(exchange.status) else { return (exchange, isElsewhere) }
      switch policy.decide(
        from: request.address, location: exchange.headers["location"], followed: followed)
      {
      case .refuse(.tooMany): throw .redirect(care.purpose, .tooMany)
      case .refuse(.noAddress(let location)): throw .redirect(care.purpose, .noAddress(location))
      case .refuse(.downgrade(let location)): throw .redirect(care.purpose, .downgrade(location))
      case .follow(let target, let keepsSecrets):
        if let objection = care.objection(target) {
          throw .realm(care.purpose, realm: target.textWithoutQuery, why: objection)
        }
        guard var next = request.redirected(exchange.status, to: target, keepsSecrets: keepsSecrets) else {
          return (exchange, isElsewhere)
        }
        if !keepsSecrets {
          next.transport = options.transport(target.authority)
          next.transport.isUnverified = request.transport.isUnverified
          isElsewhere = true
        }
        exchange.discard()
        request = next
        followed += 1
      }
    }
  }
}
