internal import CLinux
internal import Glibc

/// Threads of the image server and of image work. The launcher never starts one: namespaces can be entered only by
/// a process with a single thread (setns(2), unshare(2)).
public enum Thread {
  private final class Work: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts a detached thread with all signals blocked. `stack` is its size in bytes.
  public static func start(stack: Int = 512 << 10, _ run: @escaping @Sendable () -> Void)
    throws(SystemCallFault)
  {
    let work = unsafe Unmanaged.passRetained(Work(run))
    let result = unsafe apus_thread_start(
      { context in
        // The one reference made above moves into this thread.
        if let context = unsafe context {
          unsafe Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run()
        }
      }, work.toOpaque(), stack)
    if result < 0 {
      unsafe work.release()
      throw SystemCallFault("pthread_create", "", -result)
    }
  }
}

/// A mutual exclusion with a condition to wait for (pthread_cond_init(3)).
@safe public final class Condition: @unchecked Sendable {
  // Safe: the two objects are only ever handed to pthread functions, which are made for sharing.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  public init() {
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(condition, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  public func locked<T>(_ body: () -> T) -> T {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return body()
  }

  /// Waits, inside `locked`, until somebody signals. Wakes without cause at times: check again.
  public func wait() { unsafe pthread_cond_wait(condition, mutex) }
  public func signal() { unsafe pthread_cond_signal(condition) }
  public func broadcast() { unsafe pthread_cond_broadcast(condition) }
}
