internal import ImageMount
internal import Linux
internal import Model
internal import SIF

/// The directory that a container image names as the one to start in: `WorkingDir` of its configuration (OCI image
/// specification, "config"), which SIF files made of such images keep as the object `oci-config.json`.
///
/// nil: it names none, or is no such SIF. A text that is no path is left to the plan, which enters it or says why not.
func imageDirectory(of image: ImageFile) -> String? {
  guard image.isSIF, let file = try? SIFFile.read(descriptor: image.descriptor, size: image.facts.size),
    let object = file.descriptors.first(where: { $0.name == "oci-config.json" }), object.size < 1 << 20,
    let bytes = try? File.bytes(of: image.descriptor, at: Int(object.offset), count: Int(object.size)),
    let json = try? JSON(parsing: bytes), let path = (json["config"] ?? json)["WorkingDir"]?.text,
    ContainerPath.isAbsolute(path)
  else { return nil }
  return path
}
