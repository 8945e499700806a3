public import Linux

/// Sizes and numbers of the structures in a squashfs 4.0, for the reader and the writer ("Squashfs Binary Format").
/// All integers are little-endian. The superblock has its own file.
///
/// The order of the parts: superblock, compressor options, data blocks and fragments, inode table, directory table,
/// fragment table, export table, id table, xattr table (section 1).
public enum Layout {
  /// Section 3. A metadata block is a header u16 (bit 15: stored as it is; bits 0 to 14: stored bytes) and at most
  /// 8192 bytes once decoded. Structures run on from one block into the next.
  public enum Metadata {
    public static let decodedSize = 8192
    public static let headerSize = 2
    public static let storedFlag: UInt16 = 0x8000
    /// A header and one byte: the smallest block there can be.
    public static let leastStored = 3
  }

  /// Section 5. The head of every inode.
  ///
  /// | offset | size | field |
  /// |---|---|---|
  /// | 0 | 2 | type, 1 to 14 |
  /// | 2 | 2 | permission bits |
  /// | 4 | 2 | index of the user in the id table |
  /// | 6 | 2 | index of the group |
  /// | 8 | 4 | modification time, seconds since 1970 |
  /// | 12 | 4 | number, 1 to the superblock's inode count |
  ///
  /// What follows, by type (section 5.2 to 5.6):
  ///
  /// | type | fields |
  /// |---|---|
  /// | 1 directory | block u32, links u32, size u16, offset u16, parent u32 |
  /// | 8 extended | links u32, size u32, block u32, parent u32, index entries u16, offset u16, xattr u32, index |
  /// | 2 file | start u32, fragment u32, offset in it u32, size u32, stored sizes u32... |
  /// | 9 extended | start u64, size u64, sparse bytes u64, links u32, fragment u32, offset in it u32, xattr u32, stored sizes u32... |
  /// | 3 link | links u32, length u32, target; type 10 adds xattr u32 after the target |
  /// | 4, 5 device | links u32, device u32; types 11, 12 add xattr u32 |
  /// | 6, 7 pipe, socket | links u32; types 13, 14 add xattr u32 |
  public enum Inode {
    public static let headSize = 16
    /// The smallest inode: a basic pipe or socket.
    public static let leastSize = 20
    /// No fragment, no extended attributes.
    public static let none = UInt32.max
    /// Added to a basic type to name its extended form.
    public static let extended: UInt16 = 7
    public static let types: ClosedRange<UInt16> = 1...14
  }

  /// Section 6. A run of entries that share an inode block has a head (entries - 1 u32, inode block u32, base number
  /// u32); each entry has offset u16, number - base i16, basic type u16, name bytes - 1 u16, and the name.
  public enum Directory {
    public static let headSize = 12
    public static let entrySize = 8
    public static let mostEntries = 256
    /// The format allows 256, Linux 255 (NAME_MAX).
    public static let mostNameBytes = 255
    /// An inode's size of a directory counts `.` and `..` with 3 bytes that are not stored.
    public static let unstoredBytes = 3
  }

  /// Section 7. Start u64, stored size u32, unused u32; 512 entries a metadata block.
  public enum Fragment {
    public static let entrySize = 16
    public static let entriesPerBlock = 512
  }

  /// Section 8. One u32 each; 2048 a metadata block.
  public enum ID {
    public static let entrySize = 4
    public static let entriesPerBlock = 2048
  }

  /// Section 9. At the superblock's xattr table: start of the pairs u64, count u32, unused u32, then pointers to the
  /// metadata blocks of entries: reference u64, count of pairs u32, bytes u32; 512 a block. A pair has type u16, name
  /// bytes u16, name, value bytes u32, value; with `outOfLine` the value is a reference u64 to a length u32 and value.
  public enum Attribute {
    public static let headSize = 16
    public static let entrySize = 16
    public static let entriesPerBlock = 512
    public static let outOfLine: UInt16 = 0x100
  }
}

extension FileFacts.Kind {
  /// The basic inode type of this kind, which directory entries carry too.
  public var squashfsType: UInt16 {
    switch self {
    case .directory: 1
    case .file: 2
    case .link: 3
    case .block: 4
    case .character: 5
    case .pipe: 6
    case .socket: 7
    }
  }

  /// The kind of a basic inode type; nil for every other number.
  public init?(squashfsType type: UInt16) {
    switch type {
    case 1: self = .directory
    case 2: self = .file
    case 3: self = .link
    case 4: self = .block
    case 5: self = .character
    case 6: self = .pipe
    case 7: self = .socket
    default: return nil
    }
  }
}
