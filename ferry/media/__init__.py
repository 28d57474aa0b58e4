"""Media (光盘/U盘摆渡): files that wait for a courier, the register of media, export, import, receipts.

Map
    states       pure: the life of a medium
    slip         pure: the accompanying slip (交接单), as text and as HTML
    register     the media register (介质登记): media, passages, what is under way; its rows and its store beside it
    desk         what all commands of one half share: folders, keys, known operators
    collecting   files that wait for the next medium: claimed for an export, given back after a failure
    writing      onto a medium: a folder or an image, whole or not at all, read back
    reading      from a medium: read-only, without following links, bounded before anything is read
    exporting    an export whose two operators stand at one keyboard
    drafting     the same in steps, for operators who sign where their keys are; prepared: what waits for them
    importing    from manifest to the half's folders; looking: the manifest alone, nothing taken
    receipts     written where a medium was imported, taken in where it was exported
    clerk        does for the console what operators order (``orders``), one thing after the other: clerk_work the
                 words, clerk_state what it tells, troubles why not in both languages, clerk_service the loop

The running half and these commands are different processes of one user.  They share the folders below and the
register's database, nothing else:

    <media>/out/<lane>          the half puts, the export takes
    <media>/claimed/<export>    files of an export that is not finished
    <media>/staging/<export>    files of an import that is not finished
    <media>/in/<lane>           the import delivers, the half takes
    <media>/orders              the console puts, the clerk takes         <media>/receipts    to be carried back
    <media>/register.sqlite     <media>/lock: one command at a time      <media>/clerk.json  what the clerk tells
"""
